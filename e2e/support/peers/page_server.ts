import { createServer } from 'node:http';
import { type ListeningServer, listen } from '@tallystick/testing/listen';

/** Serves one page for all paths and host names. */
export async function servePage(script: string, body = ''): Promise<ListeningServer> {
  const page = `<!doctype html><html lang="en"><title>A page</title><body>${body}<script type="module">${script}</script>`;
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page);
  });
  return listen(server, { host: '::' });
}
