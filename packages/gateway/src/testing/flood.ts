import { connect } from 'node:net';

export interface FloodOptions {
  readonly port: number;
  /** The address that the requests come from; on Linux all of 127.0.0.0/8 is this machine. */
  readonly from: string;
  readonly path: string;
  readonly connections: number;
  /** Requests of one connection that wait for their answers. */
  readonly window: number;
}

/**
 * Sends a request with each of the tokens, as fast as they are answered.
 *
 * @returns how many answers there were of each status
 */
export async function flood(tokens: Iterator<string>, options: FloodOptions): Promise<Map<number, number>> {
  const statuses = new Map<number, number>();
  const count = (status: number) => statuses.set(status, (statuses.get(status) ?? 0) + 1);
  await Promise.all(Array.from({ length: options.connections }, () => floodConnection(tokens, options, count)));
  return statuses;
}

function floodConnection(
  tokens: Iterator<string>,
  { port, from, path, window }: FloodOptions,
  count: (status: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from });
    let waiting = 0;
    let rest = '';
    const send = () => {
      const requests: string[] = [];
      while (waiting + requests.length < window) {
        const { value, done } = tokens.next();
        if (done) break;
        requests.push(`GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${value}\r\n\r\n`);
      }
      waiting += requests.length;
      if (requests.length > 0) socket.write(requests.join(''));
      else if (waiting === 0) socket.end();
    };
    socket
      .on('connect', send)
      .on('error', reject)
      .on('close', () => resolve());
    socket.on('data', (chunk) => {
      const text = rest + chunk.toString('latin1');
      const heads = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)];
      for (const [, status] of heads) count(Number(status));
      waiting -= heads.length;
      // A status line may be cut in two; a whole one must not be counted twice.
      rest = text.slice(Math.max(text.length - 11, (heads.at(-1)?.index ?? -12) + 12));
      send();
    });
  });
}
