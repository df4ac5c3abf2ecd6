import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Front {
  readonly url: string;
  /** Where requests go, in turn. */
  targets: string[];
  /** How many requests for the path came by. */
  count(path: string): number;
  close(): Promise<void>;
}

/** What stands before several authorization servers that are one issuer: passes requests on in turn, and counts them. */
export async function startFront(): Promise<Front> {
  const seen = new Map<string, number>();
  let turn = 0;
  const server = createServer((incoming, outgoing) => {
    const path = String(incoming.url).split('?')[0] ?? '';
    seen.set(path, (seen.get(path) ?? 0) + 1);
    const target = front.targets[turn++ % front.targets.length];
    if (target === undefined) return void incoming.socket.destroy();
    const { method, headers, url } = incoming;
    const onward = request(target + url, { ...(method && { method }), headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    onward.on('error', () => incoming.socket.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const front: Front = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    targets: [],
    count: (path) => seen.get(path) ?? 0,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}
