export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** @param name in lower case */
  header(name: string): string | undefined;
}

const REQUEST_LINE = /^([A-Z]+) (\/[\x21-\x7e]*) HTTP\/1\.1$/;
const HEADER =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;
/** Headers that must not occur twice. */
const SINGLE = ['host', 'authorization', 'content-length', 'transfer-encoding', 'connection', 'upgrade'];

/**
 * Reads the first request on a connection. It is so strict that no server could interpret the bytes differently.
 *
 * @returns undefined while the request is incomplete
 * @throws {Error} the request is not well-formed
 */
export function readRequest(text: string): { request: StrictRequest; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [requestLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const [, method, target] = REQUEST_LINE.exec(requestLine) ?? fail('request line', requestLine);
  const headers = lines.map((line) => {
    const [, name = '', value = ''] = HEADER.exec(line) ?? fail('header', line);
    return [name.toLowerCase(), value] as const;
  });
  for (const name of SINGLE) if (headers.filter(([other]) => other === name).length > 1) fail('twice', name);
  const header = (name: string) => headers.find(([other]) => other === name)?.[1];
  if (header('host') === undefined) fail('host', 'there is none');

  const body = readBody(text.slice(end + 4), header('content-length'), header('transfer-encoding'));
  if (body === undefined) return undefined;
  const request = { method: String(method), target: String(target), headers, body: body.body, header };
  return { request, rest: body.rest };
}

function readBody(text: string, length: string | undefined, coding: string | undefined) {
  if (coding === undefined) {
    const bytes = Number(length ?? 0);
    if (length !== undefined && !/^\d{1,15}$/.test(length)) fail('length', length);
    return text.length < bytes ? undefined : { body: text.slice(0, bytes), rest: text.slice(bytes) };
  }
  if (coding !== 'chunked') fail('coding', coding);
  if (length !== undefined) fail('length and coding', length);
  return readChunks(text);
}

function readChunks(text: string) {
  let body = '';
  let rest = text;
  for (;;) {
    const lineEnd = rest.indexOf('\r\n');
    if (lineEnd === -1) return undefined;
    const size = rest.slice(0, lineEnd);
    if (!/^[0-9a-f]{1,8}$/i.test(size)) fail('chunk size', size);
    const bytes = Number.parseInt(size, 16);
    const data = rest.slice(lineEnd + 2, lineEnd + 2 + bytes);
    const after = rest.slice(lineEnd + 2 + bytes, lineEnd + 4 + bytes);
    if (after.length < 2) return undefined;
    // No trailers follow the last chunk, because the gateway removes them.
    if (after !== '\r\n') fail('end of a chunk', after);
    body += data;
    rest = rest.slice(lineEnd + 4 + bytes);
    if (bytes === 0) return { body, rest };
  }
}

function fail(what: string, found: string): never {
  throw new Error(`${what}: ${JSON.stringify(found.slice(0, 200))}`);
}
