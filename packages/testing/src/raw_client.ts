import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { PATIENCE } from './until.ts';

/** A connection that carries bytes unchanged. All texts are latin1: one character for each byte. */
export interface RawConnection {
  readonly socket: Socket;
  write(bytes: string, writing?: Writing): Promise<void>;
  /** The text received so far. */
  text(): string;
  /** Resolves with the text received so far once it matches. @throws {Error} the connection closes first, or two minutes pass */
  until(pattern: RegExp): Promise<string>;
  /** Resolves once the condition holds or the connection is closed. @throws {Error} two minutes pass */
  settled(condition: (text: string) => boolean): Promise<void>;
  /** Half-closes the connection and resolves with the whole text once the server closes it. @throws {Error} two minutes pass */
  end(): Promise<string>;
  /** Resolves with the whole text once the connection is closed. @throws {Error} two minutes pass */
  closed(): Promise<string>;
}

export type Writing = 'at once' | 'byte by byte';

export interface RawResponse {
  /** 0 if the server sent no HTTP response. */
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** A port on 127.0.0.1, or a URL whose host and port are used. */
export type Target = number | string;

/** @param allowHalfOpen keeps the writing side open after the server ends its side */
export async function openConnection(target: Target, allowHalfOpen = false): Promise<RawConnection> {
  const { hostname, port } = typeof target === 'number' ? { hostname: '127.0.0.1', port: target } : new URL(target);
  const socket = connect({ port: Number(port), host: hostname, allowHalfOpen, noDelay: true });
  await once(socket, 'connect');
  let received = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1');
  });
  const closing = new Promise<void>((resolve) => socket.once('close', () => resolve()));

  async function inTime(waiting: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const fail = () => reject(new Error(`nothing more after ${PATIENCE} ms, received: ${JSON.stringify(received)}`));
      timer = setTimeout(fail, PATIENCE);
    });
    try {
      await Promise.race([waiting, late]);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  function settled(condition: (text: string) => boolean): Promise<void> {
    const matching = new Promise<void>((resolve, reject) => {
      const check = () => {
        try {
          if (condition(received)) resolve();
        } catch (error) {
          reject(error);
        }
      };
      socket.on('data', check);
      check();
    });
    return inTime(Promise.race([matching, closing]));
  }

  async function closed(): Promise<string> {
    await inTime(closing);
    return received;
  }

  return {
    socket,
    async write(bytes, writing = 'at once') {
      for (const part of writing === 'at once' ? [bytes] : bytes) {
        if (!socket.writable) return;
        socket.write(part, 'latin1');
        if (writing === 'byte by byte') await setImmediate();
      }
    },
    text: () => received,
    async until(pattern) {
      await settled((text) => pattern.test(text));
      if (!pattern.test(received)) throw new Error(`closed before ${pattern}, after: ${JSON.stringify(received)}`);
      return received;
    },
    settled,
    end() {
      socket.end();
      return closed();
    },
    closed,
  };
}

/** Sends bytes and waits until the server closes the connection. Requests should carry `Connection: close`. */
export async function send(target: Target, bytes: string): Promise<string> {
  const connection = await openConnection(target);
  await connection.write(bytes);
  return connection.closed();
}

/** As {@link send}, and reads the first response. */
export async function rawRequest(target: Target, bytes: string): Promise<RawResponse> {
  const text = await send(target, bytes);
  const [head = ''] = text.split('\r\n\r\n', 1);
  return { status: statusOf(text) || 0, head, body: bodyOf(text) };
}

/** Joins lines to an HTTP message: the head, the empty line, and the body. */
export function message(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** @returns NaN if the text is no HTTP response */
export function statusOf(response: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(response)?.[1]);
}

/** The body of a response that ends with the connection or its content length. */
export function bodyOf(response: string): string {
  const end = response.indexOf('\r\n\r\n');
  return end === -1 ? '' : response.slice(end + 4);
}
