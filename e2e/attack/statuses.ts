import { openConnection } from '@tallystick/testing/raw_client';

/**
 * The final statuses of the complete responses in a text, separated by spaces.
 *
 * @throws {Error} the text is not a sequence of HTTP responses with a length
 */
export function statusesIn(text: string): string {
  const statuses: string[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) break;
    const head = rest.slice(0, end + 2);
    const status = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/.exec(head)?.[1];
    if (status === undefined) throw new Error(`not an HTTP response: ${JSON.stringify(rest)}`);
    const length = bodyLength(status, head, rest.slice(end + 4));
    if (length === undefined) break;
    rest = rest.slice(end + 4 + length);
    if (status !== '100') statuses.push(status);
  }
  return statuses.join(' ');
}

/** @returns undefined when the body is not complete */
function bodyLength(status: string, head: string, body: string): number | undefined {
  // The bytes after a 101 are not HTTP.
  if (status === '101') return body.length;
  if (status === '100') return 0;
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`the response has no length: ${head}`);
  return body.length < length ? undefined : length;
}

/**
 * Sends bytes to a server of any kind, waits for a response, and half-closes the connection.
 *
 * @param mayBeSilent the bytes are not a complete request, so the server may wait for the rest
 * @returns the final statuses of all responses up to the close, separated by spaces
 * @throws {Error} the server neither answers nor closes the connection
 */
export async function statusesOf(url: string, bytes: string, mayBeSilent: boolean): Promise<string> {
  const connection = await openConnection(url);
  await connection.write(bytes);
  if (!mayBeSilent) await connection.settled((text) => statusLinesIn(text) !== '');
  return statusLinesIn(await connection.end());
}

/** As {@link statusesIn}, for responses whose bodies may be chunked. */
function statusLinesIn(text: string): string {
  return [...text.matchAll(/^HTTP\/1\.1 ([2-5]\d\d) /gm)].map(([, status]) => status).join(' ');
}
