import { connect } from 'node:net';

export interface FloodOptions {
  readonly port: number;
  /** The source address of the requests. On Linux, all of 127.0.0.0/8 is the local machine. */
  readonly from: string;
  readonly path: string;
  readonly connections: number;
  /** The number of pipelined requests per connection. */
  readonly window: number;
}

/**
 * Sends one request for each token, as fast as the gateway answers.
 *
 * @returns the number of responses by status
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
      // A status line may arrive in two chunks; a complete one must not be counted twice.
      rest = text.slice(Math.max(text.length - 11, (heads.at(-1)?.index ?? -12) + 12));
      send();
    });
  });
}
