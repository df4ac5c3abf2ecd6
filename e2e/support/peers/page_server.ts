import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PageServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves one page, whatever the path. */
export async function servePage(script: string, body = ''): Promise<PageServer> {
  const page = `<!doctype html><html lang="en"><title>A page</title><body>${body}<script type="module">${script}</script>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
  });
  server.listen(0);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
