import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { variableFor } from '../config/environment_overrides.ts';

/** Milliseconds in which requests in flight can finish when a server stops. */
const STOP_TIMEOUT = 10_000;

export interface Listening {
  readonly port: number;
  /** Makes the server report that it is not ready, and keep no connection alive. It still serves requests. */
  readonly drain?: (() => void) | undefined;
  /** Refuses new connections, lets requests in flight finish for up to 10 seconds, and then closes all connections. */
  stop(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  /** Path of the port in the configuration, such as `gateway.port`. */
  readonly setting: string;
}

/** A server cannot listen on its port. The message names the role, and how to configure another port. */
export class PortError extends Error {
  override name = 'PortError';
  /** `EADDRINUSE`: another process listens there. `EACCES`: the user may not listen there. */
  readonly code: 'EADDRINUSE' | 'EACCES';

  constructor({ port, setting }: Pick<ListenAddress, 'port' | 'setting'>, code: PortError['code']) {
    const path = setting.split('.');
    const role = path.slice(0, -1).map(toWords).join(' ');
    const problem = code === 'EADDRINUSE' ? 'is already in use' : 'needs rights that this user does not have';
    super(`port ${port} of the ${role} ${problem}; set ${setting} or ${variableFor(path)}`);
    this.code = code;
  }
}

/** `authorizationServer` → `authorization server` */
function toWords(name: string): string {
  return name.replace(/[A-Z]/g, ' $&').toLowerCase().replace(/ api$/, ' API');
}

/**
 * Makes a server listen. For port 0 the system chooses a free one.
 *
 * @throws {PortError} the port is in use, or this user may not listen there
 * @throws {Error} the host is not an address of this machine
 */
export async function listen(server: Server, { host, port, setting }: ListenAddress): Promise<Listening> {
  server.listen(port, host);
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'EADDRINUSE' || error.code === 'EACCES' ? new PortError({ port, setting }, error.code) : error;
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      await untilNoNewConnections(server);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timeout = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT);
      await closed;
      clearTimeout(timeout);
    },
  };
}

/** Maximum number of turns of the event loop in which a server that stops still accepts connections. */
const LAST_TURNS = 100;

/**
 * Resolves after a turn of the event loop without a new connection. When a server stops listening, the system resets connections
 * that the process has not accepted yet, and the requests on them are lost. On a busy machine there can be many.
 */
async function untilNoNewConnections(server: Server): Promise<void> {
  let connected = true;
  const onConnection = () => {
    connected = true;
  };
  server.on('connection', onConnection);
  await setImmediate(); // To the beginning of a turn.
  for (let turn = 0; connected && turn < LAST_TURNS; turn += 1) {
    connected = false;
    await setImmediate();
  }
  server.off('connection', onConnection);
}
