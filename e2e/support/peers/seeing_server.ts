import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeeingServer {
  readonly port: number;
  readonly origin: string;
  /** Every request that came as a whole. */
  readonly seen: { readonly method: string; readonly url: string; readonly headers: IncomingHttpHeaders }[];
  stop(): Promise<void>;
}

/** An API that validates nothing and remembers everything. @param port 0 for a free one */
export async function startSeeingServer(port = 0): Promise<SeeingServer> {
  const seen: SeeingServer['seen'] = [];
  const server = createServer((request, response) => {
    request.on('error', () => {}); // It was broken off.
    request.resume().on('end', () => {
      const { method = '', url = '', headers } = request;
      seen.push({ method, url, headers });
      response.end('seen');
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    origin: `http://127.0.0.1:${bound}`,
    seen,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
