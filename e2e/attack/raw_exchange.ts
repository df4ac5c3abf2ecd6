import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';

/** Milliseconds after which an answer does not come any more. */
const PATIENCE = 60_000;

export type Writing = 'at once' | 'byte by byte';

/** A client's connection that carries bytes as they are, and tells the final answers apart. */
export interface RawExchange {
  write(bytes: string, writing?: Writing): Promise<void>;
  /** Everything that was read, as latin1. */
  text(): string;
  /** The statuses up to now, with a space between them. @throws {Error} what was read is not HTTP */
  statuses(): string;
  /** Resolves when the statuses match, or the other side has ended the connection. @throws {Error} after a minute */
  settled(pattern: RegExp): Promise<void>;
  /** Says that nothing follows, and resolves when the other side has closed. @throws {Error} after a minute */
  end(): Promise<void>;
}

export async function openExchange(url: string): Promise<RawExchange> {
  const { hostname, port } = new URL(url);
  const socket = connect({ port: Number(port), host: hostname, noDelay: true });
  socket.on('error', () => {});
  let text = '';
  let onData = () => {};
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    onData();
  });
  await once(socket, 'connect');

  async function inTime(promise: Promise<void>, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${what} after ${PATIENCE} ms, with: ${text}`)), PATIENCE);
    });
    try {
      await Promise.race([promise, late]);
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  const statuses = () => readStatuses(text);
  return {
    async write(bytes, writing = 'at once') {
      for (const part of writing === 'at once' ? [bytes] : bytes) {
        if (!socket.writable) return;
        socket.write(part, 'latin1');
        if (writing === 'byte by byte') await setImmediate();
      }
    },
    text: () => text,
    statuses,
    settled(pattern) {
      const matches = new Promise<void>((resolve) => {
        onData = () => pattern.test(statuses()) && resolve();
        onData();
      });
      return inTime(Promise.race([matches, closed]), 'no answer');
    },
    end() {
      socket.end();
      return inTime(closed, 'not closed');
    },
  };
}

/** The final statuses of the responses in a text, as far as they are complete. */
function readStatuses(text: string): string {
  const statuses: string[] = [];
  let rest = text;
  for (;;) {
    const end = rest.indexOf('\r\n\r\n');
    if (end === -1) break;
    const head = rest.slice(0, end + 2);
    const status = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n/.exec(head)?.[1];
    if (status === undefined) throw new Error(`this is no response: ${JSON.stringify(rest)}`);
    const length = bodyLength(status, head, rest.slice(end + 4));
    if (length === undefined) break;
    rest = rest.slice(end + 4 + length);
    if (status !== '100') statuses.push(status);
  }
  return statuses.join(' ');
}

/** @returns undefined when the body has not arrived to its end */
function bodyLength(status: string, head: string, body: string): number | undefined {
  // What follows a 101 is not HTTP any more.
  if (status === '101') return body.length;
  if (status === '100') return 0;
  const length = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? Number.NaN);
  if (Number.isNaN(length)) throw new Error(`there is no length: ${head}`);
  return body.length < length ? undefined : length;
}
