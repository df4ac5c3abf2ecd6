import { connect } from 'node:net';

/** Milliseconds after which an answer does not come any more. */
const PATIENCE = 10_000;

/**
 * Writes bytes as they are to a server of any kind, waits for an answer, and says that nothing follows.
 *
 * @param mayBeSilent the bytes are no whole request, which the server may wait for
 * @returns the statuses of all answers up to the close, with a space between them, without those of interim answers
 * @throws {Error} there is neither an answer nor a close
 */
export function statusesOf(url: string, bytes: string, mayBeSilent: boolean): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ port: Number(port), host: hostname });
    let text = '';
    socket.setTimeout(PATIENCE, () => socket.destroy(new Error(`no answer to ${JSON.stringify(bytes.slice(0, 200))}`)));
    socket.on('error', (error: NodeJS.ErrnoException) => error.code === undefined && reject(error));
    socket.on('close', () => resolve(finalStatuses(text)));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (finalStatuses(text) !== '') socket.end();
    });
    socket.write(bytes, 'latin1');
    if (mayBeSilent) socket.end();
  });
}

function finalStatuses(text: string): string {
  return [...text.matchAll(/^HTTP\/1\.1 ([2-5]\d\d) /gm)].map(([, status]) => status).join(' ');
}
