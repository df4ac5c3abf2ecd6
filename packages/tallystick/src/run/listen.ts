import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';

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
      await untilNobodyConnects(server);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), GRACE);
      await closed;
      clearTimeout(cut);
    },
  };
}

/** Turns of the event loop, at most, in which new connections are still accepted. */
const LAST_TURNS = 100;

/**
 * Resolves after a turn of the event loop in which nobody has connected. A port that is closed resets the connections that nobody
 * has accepted yet, and requests that have been sent over them are lost: on a busy machine there can be many.
 */
async function untilNobodyConnects(server: Server): Promise<void> {
  let connected = true;
  const note = () => {
    connected = true;
  };
  server.on('connection', note);
  await setImmediate(); // To where turns begin.
  for (let turn = 0; connected && turn < LAST_TURNS; turn += 1) {
    connected = false;
    await setImmediate();
  }
  server.off('connection', note);
}
