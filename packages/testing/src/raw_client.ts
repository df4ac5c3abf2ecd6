import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** What arrived up to now, as latin1. */
  text(): string;
  /** Resolves when what arrived matches. @throws when the connection ends before */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with all that arrived, when the connection is closed. */
  closed(): Promise<string>;
}

/** A client that writes bytes as they are. */
export async function openConnection(port: number, allowHalfOpen = false): Promise<RawConnection> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  const closing = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return {
    socket,
    text: () => received,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const check = () => {
          if (pattern.test(received)) resolve(received);
          else if (socket.destroyed) reject(new Error(`closed before ${pattern}, after: ${JSON.stringify(received)}`));
        };
        socket.on('data', check);
        socket.on('close', check);
        check();
      }),
    closed: () => closing.then(() => received),
  };
}

/** Sends bytes and waits until the other side closes. Requests should say `Connection: close`. */
export async function send(port: number, bytes: string): Promise<string> {
  const connection = await openConnection(port);
  connection.socket.write(Buffer.from(bytes, 'latin1'));
  return connection.closed();
}

/** Puts lines together as HTTP wants them, with the empty line at the end of the head, and a body if there is one. */
export function message(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}

/** The body of an answer that is framed by its length or by the end of the connection. */
export function bodyOf(answer: string): string {
  return answer.slice(answer.indexOf('\r\n\r\n') + 4);
}
