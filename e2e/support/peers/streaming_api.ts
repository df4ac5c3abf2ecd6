import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { listen } from '@tallystick/testing/listen';
import { WebSocketServer } from 'ws';

const BLOCK = Buffer.alloc(1024 * 1024, 'x');

export interface StreamingApi {
  readonly url: string;
  /** Bytes of response bodies that the connection accepted. */
  sent: number;
  /** Bytes of request bodies that arrived. */
  received: number;
  /** Whether the API reads request bodies. */
  reads: boolean;
  /** Open event streams. */
  readonly events: Set<ServerResponse>;
  stop(): Promise<void>;
}

/** An API whose response depends on the last segment of the path. It echoes WebSocket messages. */
export async function startStreamingApi(bytes: number): Promise<StreamingApi> {
  const server = createServer(async (request, response) => {
    const [, name = ''] = /\/([\w-]+)(?:\?|$)/.exec(request.url ?? '') ?? [];
    const answer = answers[name];
    if (answer === undefined) response.writeHead(404).end();
    else await answer(request, response);
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });

  const answers: Record<string, (request: IncomingMessage, response: ServerResponse) => unknown> = {
    async download(_request, response) {
      response.writeHead(200, { 'Content-Length': bytes });
      for (let written = 0; written < bytes && !response.destroyed; written += BLOCK.length) {
        if (!response.write(BLOCK)) await Promise.race([once(response, 'drain'), once(response, 'close')]);
        api.sent += BLOCK.length;
      }
      response.end();
    },
    async upload(request, response) {
      request.on('data', (chunk: Buffer) => {
        api.received += chunk.length;
      });
      if (!api.reads) request.pause();
      const resuming = setInterval(() => api.reads && request.resume(), 10);
      await once(request, 'end');
      clearInterval(resuming);
      response.end(String(api.received));
    },
    events(_request, response) {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
      api.events.add(response);
      response.once('close', () => api.events.delete(response));
    },
    silence() {},
    head: (_request, response) => response.writeHead(200, { 'Content-Length': 1234, ETag: '"1"' }).end(),
    nothing: (_request, response) => response.writeHead(204).end(),
    unchanged: (_request, response) => response.writeHead(304, { ETag: '"1"' }).end(),
    hints(_request, response) {
      response.writeProcessing();
      response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
      response.end('hinted');
    },
    trailers(_request, response) {
      response.writeHead(200, { Trailer: 'X-Checksum' });
      response.write('body');
      response.addTrailers({ 'X-Checksum': '1' });
      response.end();
    },
  };

  const { origin: url, stop } = await listen(server);
  const api: StreamingApi = {
    url,
    stop,
    sent: 0,
    received: 0,
    reads: true,
    events: new Set(),
  };
  return api;
}
