import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** Milliseconds for which an unused upstream connection is kept. */
const idleTimeout = 60_000;

/** Milliseconds after which a write error is reported even if the upstream neither answers nor closes the connection. */
const writeErrorTimeout = 10_000;

export interface UpstreamAgents {
  readonly 'http:': HttpAgent;
  readonly 'https:': HttpsAgent;
}

/**
 * Creates the agents that keep connections to upstreams between requests.
 *
 * @param maxAge milliseconds after which a connection serves no further request, so that a change in DNS takes effect
 */
export function createUpstreamAgents(maxAge: number): UpstreamAgents {
  const options = { keepAlive: true, timeout: idleTimeout };
  return { 'http:': harden(new HttpAgent(options), maxAge), 'https:': harden(new HttpsAgent(options), maxAge) };
}

/** The methods of an agent that Node.js lets us override. The types of Node.js declare that `keepSocketAlive` returns nothing. */
interface ConnectionMethods {
  createConnection(...args: unknown[]): Duplex;
  keepSocketAlive(socket: Duplex): boolean;
  reuseSocket(socket: Duplex, request: unknown): void;
}

function harden<Agent extends HttpAgent>(agent: Agent, maxAge: number): Agent {
  const connections = agent as unknown as ConnectionMethods;
  const { createConnection, keepSocketAlive, reuseSocket } = connections;
  /** Values of `performance.now()`. */
  const openedAt = new WeakMap<Duplex, number>();

  connections.createConnection = (...args) => {
    const socket = createConnection.apply(agent, args);
    openedAt.set(socket, performance.now());
    keepReadingAfterWriteError(socket as Socket);
    return socket;
  };
  connections.keepSocketAlive = (socket) => {
    const age = performance.now() - (openedAt.get(socket) ?? 0);
    if (age > maxAge || !keepSocketAlive.call(agent, socket)) return false;
    socket.on('data', destroyOnUnexpectedData);
    return true;
  };
  connections.reuseSocket = (socket, request) => {
    socket.off('data', destroyOnUnexpectedData);
    reuseSocket.call(agent, socket, request);
  };
  return agent;
}

/** RFC 9112 section 9.2: bytes on an idle connection answer no request. They must not become the response to the next one. */
function destroyOnUnexpectedData(this: Duplex): void {
  this.destroy();
}

type WriteCallback = (error?: Error | null) => void;

/**
 * Lets a socket read on when writing fails. An upstream that answers early, for example with 413, and closes has sent its
 * response by the time that writing the rest of the request fails. Node.js would close the socket before it reads the response.
 */
function keepReadingAfterWriteError(socket: Socket): void {
  const { _write: write, _writev: writev } = socket;
  socket._write = (chunk, encoding, done) => write.call(socket, chunk, encoding, delayedUntilEnd(socket, done));
  if (writev) socket._writev = (chunks, done) => writev.call(socket, chunks, delayedUntilEnd(socket, done));
}

/** @returns a callback that reports a broken connection only when the connection has ended for reading too, which is soon */
function delayedUntilEnd(socket: Socket, done: WriteCallback): WriteCallback {
  return (error) => {
    if (!isBrokenConnection(error) || socket.destroyed || socket.readableEnded) {
      done(error);
      return;
    }
    const report = () => {
      clearTimeout(timer);
      socket.off('end', report).off('close', report);
      done(error);
    };
    const timer = setTimeout(report, writeErrorTimeout).unref();
    socket.once('end', report).once('close', report);
  };
}

/** Whether the other side closed the connection while it was in use. */
export function isBrokenConnection(error: NodeJS.ErrnoException | null | undefined): boolean {
  return error?.code === 'ECONNRESET' || error?.code === 'EPIPE';
}
