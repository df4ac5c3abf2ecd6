import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Milliseconds that running requests get to finish when a server stops. */
const GRACE = 10_000;

export interface Listening {
  readonly port: number;
  /** Goes on serving, but says that it is about to stop, and keeps no connection alive. Default: nothing says so. */
  readonly drain?: (() => void) | undefined;
  /** Refuses new connections, lets running requests finish, and cuts those that take too long. */
  stop(): Promise<void>;
}

/**
 * Lets a server listen; on port 0 the system picks one.
 *
 * @throws {Error} with `code` EADDRINUSE and the like
 */
export async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<Listening> {
  server.listen(port, host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), GRACE);
      await closed;
      clearTimeout(cut);
    },
  };
}
