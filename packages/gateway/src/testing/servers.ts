import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createNetServer, type Socket } from 'node:net';
import { type ListeningServer, listen } from '@tallystick/testing/listen';

export interface SeenRequest {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface TestUpstream extends ListeningServer {
  /** Every request that was read to its end, in order. */
  readonly seen: SeenRequest[];
  /** The connections that are open. */
  connections(): Promise<number>;
}

/** An API that remembers what it was asked. It answers 200 `ok` unless told otherwise. */
export async function startUpstream(
  respond: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => response.end('ok'),
): Promise<TestUpstream> {
  const seen: SeenRequest[] = [];
  const listener: RequestListener = async (request, response) => {
    request.on('error', () => {});
    response.on('error', () => {});
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // The gateway broke the request off; it does not count as one.
    }
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    respond(request, response);
  };
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener);
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  return { ...(await listen(server)), seen, connections };
}

/** A server that speaks bytes, for upstreams that misbehave. */
export function startRawUpstream(
  onConnection: (socket: Socket) => void,
  allowHalfOpen = false,
): Promise<ListeningServer> {
  return listen(
    createNetServer({ allowHalfOpen }, (socket) => {
      socket.on('error', () => {});
      onConnection(socket);
    }),
  );
}

/** A raw upstream that answers each request head with the same bytes, and then closes. */
export function startCannedUpstream(bytes: string): Promise<ListeningServer> {
  return startRawUpstream((socket) => socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1'))));
}
