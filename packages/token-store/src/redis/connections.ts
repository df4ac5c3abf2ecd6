import { connect } from 'node:net';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { StoreConfig } from '../config/store_config.ts';
import type { RedisAddress, RedisLocation } from '../store_url.ts';
import { problemOf, RedisProblem } from './problem.ts';
import type { TlsMaterial } from './tls.ts';

/** What commands go to. */
export type RedisClient = Redis | Cluster;

/** The connections of one store. */
export interface RedisConnections {
  readonly client: RedisClient;
  /** Every server that holds keys of its own. */
  masters(): readonly Redis[];
  /** Every server that is asked: the masters, or what copies them. */
  servers(): readonly Redis[];
  /** Rejects when the store does not answer. */
  check(): Promise<void>;
  /** A connection to a server that hears every published message. It is made once: when it ends, ask for another. */
  connectFeed(): Redis;
  /** Rejects when the server at the other end may not hear every message any more. */
  checkFeed(feed: Redis): Promise<void>;
  /** Finds out more about a problem of these connections, where what is known of it has several causes. */
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
 * Opens the connections; that they are there is found out by using them.
 *
 * @param to the masters, or copies of them for reading. Only Sentinels and a Cluster know of copies.
 */
export function connectRedis(options: ConnectionOptions, to: 'masters' | 'replicas' = 'masters'): RedisConnections {
  return options.location.kind === 'cluster' ? connectCluster(options, to) : connectOne(options, to);
}

/** One master: the server itself, or the one that the Sentinels name. */
function connectOne(options: ConnectionOptions, to: 'masters' | 'replicas'): RedisConnections {
  const role = to === 'masters' ? 'master' : 'slave';
  const settings = { ...commonOptions(options), ...addressOptions(options), role } as const;
  let hasDatabase = true;
  const client = new Redis({
    ...settings,
    // Fail at once when Redis is away: a caller that waits is worse off than one that is told.
    enableOfflineQueue: false,
    retryStrategy: (attempt) => (hasDatabase ? retryDelay(attempt) : 1000),
    // A master that became a replica: the connection leads to the wrong server, by its name or by the Sentinels.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  });
  client.on('connecting', () => {
    hasDatabase = true;
  });
  client.on('error', (error) => {
    // ioredis would go on, and everything would be done in database 0, where another installation may be.
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
    // A name may stand for the certificate, so it is not replaced by its address.
    dnsLookup: (name, callback) => callback(null, name),
    clusterRetryStrategy: retryDelay,
    // Whether the cluster is up is asked where the answer is told.
    enableReadyCheck: false,
    // What was sent and not answered may have been carried out: it is not sent again.
    retryDelayOnFailover: 0,
    // What was refused was not. The retries must end before the command's time does.
    maxRedirections: 16,
    retryDelayOnClusterDown: options.commandTimeout / 40,
    retryDelayOnTryAgain: options.commandTimeout / 40,
    slotsRefreshTimeout: options.commandTimeout,
    // ioredis would go on for ever when it is closed during a refresh, and the process would not end.
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
    // A server that was cut off from the others hears nothing of what is published there, and answers pings all the same.
    checkFeed: async (feed) => throwUnlessUp(await feed.cluster('INFO')),
    close() {
      clearInterval(refreshing);
      client.disconnect();
    },
  };
}

/**
 * Knocks at the address: a server without TLS may never answer the first message of TLS, since it waits for the end of a line;
 * and of why no server of a Cluster, or no Sentinel, could be reached ioredis keeps nothing.
 */
async function explain(problem: RedisProblem, location: RedisLocation): Promise<RedisProblem> {
  const isSilent = problem.code === 'unreachable' && location.tls;
  const isUntold = problem.code === 'closed-early' && location.kind !== 'standalone';
  const [address] = addressesOf(location);
  if (address === undefined || !(isSilent || isUntold)) return problem;
  const refusal = await knock(address);
  if (refusal !== undefined) return problemOf(refusal);
  return isSilent ? new RedisProblem('no-tls', '', String(problem.cause)) : problem;
}

function addressesOf(location: RedisLocation): readonly RedisAddress[] {
  if (location.kind === 'standalone') return [location.server];
  return location.kind === 'cluster' ? location.servers : location.sentinels;
}

/** @returns why nobody opens; undefined when somebody does */
function knock({ host, port }: RedisAddress): Promise<Error | undefined> {
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
    // Commands that wait for a connection are refused before their time is over, so that none is sent after that.
    connectTimeout: commandTimeout / 2,
    // A server that has gone without a word: what was asked meanwhile has timed out; from here on a new connection is tried.
    socketTimeout: commandTimeout * 2,
    disconnectTimeout: 500,
    maxRetriesPerRequest: 0,
    // A write whose answer never came was answered with an error; sending it again would issue a token nobody asked for.
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // A server that is still loading says so to every command; a user that may only read may not ask for INFO.
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
    // Told of a new master by the Sentinels, rather than by the old one's connections.
    failoverDetector: true,
    // Asks the server whether it is the master, as a Sentinel that has not heard of the new one yet may be wrong.
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
