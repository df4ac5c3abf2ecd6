import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, createServer, type Server as NetServer } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { variableFor } from '../config/environment_overrides.ts';

/** Addresses of the host `localhost`. Some clients try only one of them. */
const LOCALHOST: readonly string[] = ['127.0.0.1', '::1'];

/** Errors of an address that this machine does not have, for example because IPv6 is off. */
const ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);

/** Number of free ports of the first address that are tried at the others. */
const ATTEMPTS = 20;

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

  /** @param address the address on which the port is taken, if the server listens on several */
  constructor({ port, setting }: Pick<ListenAddress, 'port' | 'setting'>, code: PortError['code'], address?: string) {
    const path = setting.split('.');
    const role = path.slice(0, -1).map(toWords).join(' ');
    const problem = code === 'EADDRINUSE' ? 'is already in use' : 'needs rights that this user does not have';
    const at = address === undefined ? '' : ` at ${address}`;
    super(`port ${port} of the ${role} ${problem}${at}; set ${setting} or ${variableFor(path)}`);
    this.code = code;
  }
}

/** `authorizationServer` → `authorization server` */
function toWords(name: string): string {
  return name.replace(/[A-Z]/g, ' $&').toLowerCase().replace(/ api$/, ' API');
}

/**
 * Makes a server listen. For port 0 the system chooses a free one. On the host `localhost` the server listens on 127.0.0.1 and on ::1,
 * with the same port, as far as the machine has these addresses.
 *
 * @param localhost addresses of the host `localhost`
 * @throws {PortError} the port is in use, or this user may not listen there
 * @throws {Error} the host is not an address of this machine
 */
export async function listen(
  server: Server,
  { host, port, setting }: ListenAddress,
  localhost = LOCALHOST,
): Promise<Listening> {
  const isLocalhost = host === 'localhost';
  const opening = isLocalhost ? openAll(server, localhost, port) : open(server, host, port).then((door) => [door]);
  const doors = await opening.catch((error: NodeJS.ErrnoException & { address?: string }) => {
    const { code, address } = error;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new PortError({ port, setting }, code, isLocalhost ? address : undefined);
  });
  return {
    port: portOf(server),
    async stop() {
      await untilNoNewConnections(server);
      const closed = Promise.all(doors.map(close));
      server.closeIdleConnections();
      const timeout = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT);
      await closed;
      clearTimeout(timeout);
    },
  };
}

/**
 * Opens a server at each of the addresses that this machine has.
 *
 * @returns the server, which is at the first of them, and a listener for each other one
 */
async function openAll(server: Server, addresses: readonly string[], port: number): Promise<NetServer[]> {
  for (let attempt = 1; ; attempt += 1) {
    const doors: NetServer[] = [];
    try {
      for (const address of addresses) {
        const [door, at] = doors.length === 0 ? [server, port] : [createDoor(server), portOf(server)];
        if (await isOpened(door, address, at)) doors.push(door);
      }
      if (doors.length > 0) return doors;
    } catch (error) {
      await Promise.all(doors.map(close));
      // A port that is free at the first address may be taken at another one.
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
      if (!isTaken || port !== 0 || attempt === ATTEMPTS) throw error;
      continue;
    }
    throw new Error(`this machine has none of the addresses of localhost: ${addresses.join(', ')}`);
  }
}

/** @returns false if this machine does not have the address */
async function isOpened(door: NetServer, address: string, port: number): Promise<boolean> {
  try {
    await open(door, address, port);
    return true;
  } catch (error) {
    if (ABSENT.has((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** A listener that hands its connections to a server. Node.js documents this use of `connection`, for TLS servers too. */
function createDoor(server: Server): NetServer {
  const { allowHalfOpen, noDelay } = server as unknown as {
    readonly allowHalfOpen: boolean;
    readonly noDelay: boolean;
  };
  return createServer({ allowHalfOpen, noDelay }, (socket) => void server.emit('connection', socket));
}

async function open(door: NetServer, host: string, port: number): Promise<NetServer> {
  door.listen(port, host);
  await once(door, 'listening');
  return door;
}

function close(door: NetServer): Promise<void> {
  return new Promise((resolve) => door.close(() => resolve()));
}

function portOf(door: NetServer): number {
  return (door.address() as AddressInfo).port;
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
