import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { keepReadingAfterWriteError } from './write_errors.ts';

/** Milliseconds for which an unused upstream connection is kept. */
const idleConnection = 60_000;

export interface UpstreamAgents {
  readonly 'http:': HttpAgent;
  readonly 'https:': HttpsAgent;
}

/**
 * The connections to upstreams, kept between requests.
 *
 * @param maxAge milliseconds after which a connection serves no further request, so that a change in DNS is seen
 */
export function createUpstreamAgents(maxAge: number): UpstreamAgents {
  const options = { keepAlive: true, timeout: idleConnection };
  return { 'http:': harden(new HttpAgent(options), maxAge), 'https:': harden(new HttpsAgent(options), maxAge) };
}

/** What Node.js lets an agent do with its connections; its types say that `keepSocketAlive` returns nothing. */
interface Connections {
  createConnection(...given: unknown[]): Duplex;
  keepSocketAlive(socket: Duplex): boolean;
  reuseSocket(socket: Duplex, request: unknown): void;
}

function harden<Agent extends HttpAgent>(agent: Agent, maxAge: number): Agent {
  const connections = agent as unknown as Connections;
  const { createConnection, keepSocketAlive, reuseSocket } = connections;
  /** By `performance.now()`. */
  const openedAt = new WeakMap<Duplex, number>();

  connections.createConnection = (...given) => {
    const socket = createConnection.apply(agent, given);
    openedAt.set(socket, performance.now());
    keepReadingAfterWriteError(socket as Socket);
    return socket;
  };
  connections.keepSocketAlive = (socket) => {
    const age = performance.now() - (openedAt.get(socket) ?? 0);
    if (age > maxAge || !keepSocketAlive.call(agent, socket)) return false;
    socket.on('data', endUnasked);
    return true;
  };
  connections.reuseSocket = (socket, request) => {
    socket.off('data', endUnasked);
    reuseSocket.call(agent, socket, request);
  };
  return agent;
}

/** RFC 9112 section 9.2: bytes on an idle connection are no answer to anything, and must not become the next one's. */
function endUnasked(this: Duplex): void {
  this.destroy();
}
