import { connect } from 'node:net';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { StoreConfig } from '../config/store_config.ts';
import type { RedisAddress, RedisLocation } from '../store_url.ts';
import { problemOf, RedisProblem } from './problem.ts';
import type { TlsMaterial } from './tls.ts';

/** A client for commands. */
export type RedisClient = Redis | Cluster;

/** The connections of one store. */
export interface RedisConnections {
  readonly client: RedisClient;
  /** Every master. */
  masters(): readonly Redis[];
  /** Every server that is used: the masters or the replicas. */
  servers(): readonly Redis[];
  /** Rejects when the store does not answer. */
  check(): Promise<void>;
  /** Opens a connection to a server that receives every published message. It does not reconnect: call again when it ends. */
  connectFeed(): Redis;
  /** Rejects if the server may miss messages. */
  checkFeed(feed: Redis): Promise<void>;
  /** Finds the cause of a problem that can have several. */
  explain(problem: RedisProblem): Promise<RedisProblem>;
  close(): void;
}

export interface ConnectionOptions {
  readonly location: RedisLocation;
  readonly tls: TlsMaterial;
  readonly sentinel: StoreConfig['sentinel'];
  /** Milliseconds that a command may take before the store counts as unavailable. */
  readonly commandTimeout: number;
}

/** Milliseconds after which the map of a Cluster's slots is read again. */
const SLOTS_REFRESH_INTERVAL = 5_000;

/**
 * Opens the connections. Errors appear when they are used.
 *
 * @param to masters, or replicas for reading, which only Sentinel and a Cluster have
 */
export function connectRedis(options: ConnectionOptions, to: 'masters' | 'replicas' = 'masters'): RedisConnections {
  return options.location.kind === 'cluster' ? connectCluster(options, to) : connectOne(options, to);
}

/** Connects to one master: the configured server, or the one that Sentinel names. */
function connectOne(options: ConnectionOptions, to: 'masters' | 'replicas'): RedisConnections {
  const role = to === 'masters' ? 'master' : 'slave';
  const settings = { ...commonOptions(options), ...addressOptions(options), role } as const;
  let hasDatabase = true;
  const client = new Redis({
    ...settings,
    // Fail at once if Redis is unavailable: an error is better than a long wait.
    enableOfflineQueue: false,
    retryStrategy: (attempt) => (hasDatabase ? retryDelay(attempt) : 1000),
    // The master became a replica: connect again to find the new master.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  client.on('connecting', () => {
    hasDatabase = true;
  });
  client.on('error', (error) => {
    // ioredis would continue in database 0, which may belong to another installation.
    if (problemOf(error).code !== 'no-database') return;
    hasDatabase = false;
    client.stream.destroy();
  });
  return {
    client,
    masters: () => [client],
    servers: () => [client],
    explain: (problem) => explain(problem, options.location),
    check: async () => void (await client.ping()),
    connectFeed: () => new Redis({ ...settings, retryStrategy: null }),
    checkFeed: async (feed) => void (await feed.ping()),
    close: () => client.disconnect(),
  };
}

function connectCluster(options: ConnectionOptions, to: 'masters' | 'replicas'): RedisConnections {
  const servers = 'servers' in options.location ? [...options.location.servers] : [];
  const settings = commonOptions(options);
  const client = new Cluster(servers, {
    redisOptions: settings,
    scaleReads: to === 'masters' ? 'master' : 'slave',
    // TLS may need the name to check the certificate, so it is not replaced by its address.
    dnsLookup: (name, callback) => callback(null, name),
    clusterRetryStrategy: retryDelay,
    // `check` asks for the state of the cluster.
    enableReadyCheck: false,
    // A command without an answer may have been carried out, so it is not sent again.
    retryDelayOnFailover: 0,
    // A refused command was not carried out. Its retries must end before the command times out.
    maxRedirections: 16,
    retryDelayOnClusterDown: options.commandTimeout / 40,
    retryDelayOnTryAgain: options.commandTimeout / 40,
    slotsRefreshTimeout: options.commandTimeout,
    // If ioredis were closed during its own refresh, it would never stop, and the process would not end.
    slotsRefreshInterval: 0,
  });
  client.on('error', ignore);
  const refreshing = setInterval(() => client.refreshSlotsCache(ignore), SLOTS_REFRESH_INTERVAL).unref();
  return {
    client,
    masters: () => client.nodes('master'),
    servers: () => client.nodes(to === 'masters' ? 'master' : 'slave'),
    explain: (problem) => explain(problem, options.location),
    connectFeed() {
      const known = client.nodes().map(({ options: { host, port } }) => ({ host, port }));
      const server = oneOf(known.length > 0 ? known : servers);
      // Over RESP3 a connection that is subscribed may still ask for the state of the cluster.
      return new Redis({
        ...settings,
        host: String(server?.host),
        port: Number(server?.port),
        protocol: 3,
        retryStrategy: null,
      });
    },
    check: async () => throwUnlessUp(await client.cluster('INFO')),
    // A server that is cut off from the others misses messages but still answers PING.
    checkFeed: async (feed) => throwUnlessUp(await feed.cluster('INFO')),
    close() {
      clearInterval(refreshing);
      client.disconnect();
    },
  };
}

/**
 * Connects to the address over TCP to find the cause of a problem: a server without TLS may never answer a TLS handshake, and ioredis
 * does not report why no server of a Cluster, or no Sentinel, could be reached.
 */
async function explain(problem: RedisProblem, location: RedisLocation): Promise<RedisProblem> {
  const gotNoTlsAnswer = problem.code === 'unreachable' && location.tls;
  const lacksCause = problem.code === 'closed-early' && location.kind !== 'standalone';
  const [address] = addressesOf(location);
  if (address === undefined || !(gotNoTlsAnswer || lacksCause)) return problem;
  const refusal = await tryTcp(address);
  if (refusal !== undefined) return problemOf(refusal);
  return gotNoTlsAnswer ? new RedisProblem('no-tls', '', String(problem.cause)) : problem;
}

function addressesOf(location: RedisLocation): readonly RedisAddress[] {
  if (location.kind === 'standalone') return [location.server];
  return location.kind === 'cluster' ? location.servers : location.sentinels;
}

/** Opens a TCP connection. @returns the error; undefined if the port is open */
function tryTcp({ host, port }: RedisAddress): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const finish = (refusal?: Error) => {
      socket.destroy();
      resolve(refusal);
    };
    socket.once('connect', () => finish()).once('error', finish);
    socket.once('timeout', () => finish(new Error('connect ETIMEDOUT')));
  });
}

/** @param info the answer to CLUSTER INFO */
function throwUnlessUp(info: unknown): void {
  if (!String(info).includes('cluster_state:ok')) throw new Error('the cluster is down');
}

function commonOptions({ location, tls, commandTimeout }: ConnectionOptions) {
  return {
    ...(location.username !== undefined && { username: location.username }),
    ...(location.password !== undefined && { password: location.password }),
    ...(location.tls && { tls: { ...tls } }),
    // RESP2: the feed and the client speak one protocol, and client-side caching can be added without losing its pushes.
    protocol: 2,
    commandTimeout,
    // Commands that wait for a connection fail before they time out, so that none is sent after its timeout.
    connectTimeout: commandTimeout / 2,
    // A server may vanish without closing the connection. Its commands have timed out by then, and a new connection is tried.
    socketTimeout: commandTimeout * 2,
    disconnectTimeout: 500,
    maxRetriesPerRequest: 0,
    // The caller of an unanswered write got an error. Sending it again would issue a token that nobody requested.
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // A loading server says so to every command, and a read-only user may not run INFO.
    enableReadyCheck: false,
    disableClientInfo: true,
  } as const satisfies RedisOptions;
}

function addressOptions({ location, tls, sentinel, commandTimeout }: ConnectionOptions) {
  if (location.kind !== 'sentinel') return { ...('server' in location && location.server), db: location.db };
  return {
    sentinels: [...location.sentinels],
    name: location.master,
    db: location.db,
    ...(sentinel?.username !== undefined && { sentinelUsername: sentinel.username }),
    ...(sentinel !== undefined && { sentinelPassword: sentinel.password }),
    ...(location.tls && { sentinelTLS: { ...tls }, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: commandTimeout / 2,
    sentinelRetryStrategy: retryDelay,
    sentinelReconnectStrategy: () => 1000,
    // Learn of a new master from Sentinel, not from the connections to the old one.
    failoverDetector: true,
    // Ask the server whether it is the master, because a Sentinel may not know the new one yet.
    enableReadyCheck: true,
  } satisfies RedisOptions;
}

function retryDelay(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 5), 1000);
}

function oneOf<T>(values: readonly T[]): T | undefined {
  return values[Math.floor(Math.random() * values.length)];
}

/** Every command reports its own failure; without a listener ioredis prints to the console. */
function ignore(): void {}
