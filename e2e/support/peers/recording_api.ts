import { createServer, type IncomingHttpHeaders } from 'node:http';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { WebSocketServer } from 'ws';

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  /** Length of the body in bytes. */
  readonly bytes: number;
}

export interface RecordingApi extends ListeningServer {
  /** Every request that arrived completely, upgrade requests too. */
  readonly requests: RecordedRequest[];
}

export interface RecordingApiOptions {
  /** Default: a free port. */
  readonly port?: number;
  /** Headers of every response. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An API that validates nothing, records every request, and echoes WebSocket messages. */
export async function startRecordingApi({ port = 0, headers = {} }: RecordingApiOptions = {}): Promise<RecordingApi> {
  const requests: RecordedRequest[] = [];
  const server = createServer(async (request, response) => {
    let bytes = 0;
    try {
      for await (const chunk of request) bytes += chunk.length;
    } catch {
      return; // The client aborted the request.
    }
    const { method = '', url = '', headers: sent } = request;
    requests.push({ method, url, headers: sent, bytes });
    response.writeHead(200, headers).end('recorded');
  });
  const webSockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    const { method = '', url = '', headers: sent } = request;
    requests.push({ method, url, headers: sent, bytes: 0 });
    webSockets.handleUpgrade(request, socket, head, (client) => {
      client.on('message', (data, isBinary) => client.send(data, { binary: isBinary }));
    });
  });
  return { ...(await listen(server, { port })), requests };
}
