import { createServer, type Socket } from 'node:net';
import { listen } from '@tallystick/testing/listen';
import { readRequest, type StrictRequest } from './strict_request.ts';

export interface StrictUpstream {
  readonly url: string;
  /** Every complete request, in order. */
  readonly requests: StrictRequest[];
  /** Violations of HTTP. Tests expect none. */
  readonly faults: string[];
  /** The bytes that arrived since a test last emptied it, as latin1. */
  bytes: string;
  /** Number of open connections. */
  connections(): number;
  /** Number of connections with an incomplete request. */
  unfinished(): number;
  stop(): Promise<void>;
}

/**
 * An API on a bare socket. It parses requests as strictly as possible and answers each with its target. It
 * upgrades the connection on request, except for paths that end in `/declined`.
 */
export async function startStrictUpstream(): Promise<StrictUpstream> {
  const sockets = new Map<Socket, { rest: string; isTunnel: boolean }>();
  const requests: StrictRequest[] = [];
  const faults: string[] = [];

  const server = createServer((socket) => {
    const connection = { rest: '', isTunnel: false };
    sockets.set(socket, connection);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      upstream.bytes += chunk.toString('latin1');
      if (connection.isTunnel) return;
      connection.rest += chunk.toString('latin1');
      try {
        serve(socket, connection);
      } catch (error) {
        faults.push((error as Error).message);
        socket.destroy();
      }
    });
  });

  function serve(socket: Socket, connection: { rest: string; isTunnel: boolean }): void {
    for (;;) {
      const read = readRequest(connection.rest);
      if (read === undefined) return;
      connection.rest = read.rest;
      requests.push(read.request);
      const { method, target, header } = read.request;
      if (header('upgrade') !== undefined && !target.endsWith('/declined')) {
        connection.isTunnel = true;
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
        return;
      }
      const body = method === 'HEAD' ? '' : target;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    }
  }

  const { origin: url, stop } = await listen(server);
  const upstream: StrictUpstream = {
    url,
    stop,
    requests,
    faults,
    bytes: '',
    connections: () => sockets.size,
    unfinished: () => [...sockets.values()].filter(({ rest }) => rest !== '').length,
  };
  return upstream;
}
