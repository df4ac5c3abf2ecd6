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
  /** All requests that were read completely, in order. */
  readonly seen: SeenRequest[];
  /** The number of open connections. */
  connections(): Promise<number>;
}

/** Starts an API that records its requests. It answers 200 `ok` by default. */
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
      return; // The gateway broke the request off, so it does not count.
    }
    const { method, url, headers } = request;
    seen.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    respond(request, response);
  };
  const server = createServer({ maxHeaderSize: 64 * 1024 }, listener);
  const connections = () => new Promise<number>((resolve) => server.getConnections((_, count) => resolve(count)));
  return { ...(await listen(server)), seen, connections };
}

/** Starts a TCP server, for upstreams that violate HTTP. */
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

/** Starts an upstream that answers each connection with the same bytes, and then closes it. */
export function startCannedUpstream(bytes: string): Promise<ListeningServer> {
  return startRawUpstream((socket) => socket.once('data', () => socket.end(Buffer.from(bytes, 'latin1'))));
}
