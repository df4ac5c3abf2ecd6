import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Bytes of its body. */
  readonly bytes: number;
}

export interface ShowingApi {
  readonly url: string;
  /** Every request that came, those to upgrade too. */
  readonly seen: SeenRequest[];
  stop(): Promise<void>;
}

/**
 * An API that validates nothing, remembers what reached it, and sends back what it is told over a WebSocket.
 *
 * @param answered headers of every answer
 */
export async function startShowingApi(answered: Readonly<Record<string, string>> = {}): Promise<ShowingApi> {
  const seen: SeenRequest[] = [];
  const server = createServer(async (request, response) => {
    const { method = '', url = '', headers } = request;
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    seen.push({ method, url, headers, bytes });
    response.writeHead(200, answered).end('shown');
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const { method = '', url = '', headers } = request;
    seen.push({ method, url, headers, bytes: 0 });
    webSockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async stop() {
      for (const socket of webSockets.clients) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
