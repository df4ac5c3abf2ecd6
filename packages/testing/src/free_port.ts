import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ephemeral ports of operating systems, so that no connection or server on port 0 takes the port meanwhile. */
const [LOWEST, HIGHEST] = [15_000, 32_000];

const reserved = new Set<number>();

/** Finds a port without a listener, for a server that needs to know its port before it starts. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  for (;;) {
    const port = randomInt(LOWEST, HIGHEST);
    if (reserved.has(port) || !(await isFree(port, host))) continue;
    reserved.add(port);
    return port;
  }
}

async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch {
    return false; // Another process listens on it.
  }
  server.close();
  await once(server, 'close');
  return true;
}
