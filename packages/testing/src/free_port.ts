import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to connections and to servers that ask for any port, so that none of these takes it meanwhile. */
const [LOWEST, HIGHEST] = [15_000, 32_000];

const given = new Set<number>();

/** A port that nobody listens on at the moment, for a server that has to know its port before it starts. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port) || !(await isFree(port, host))) continue;
    given.add(port);
    return port;
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch {
    return false; // Somebody listens on it.
  }
  server.close();
  await once(server, 'close');
  return true;
}
