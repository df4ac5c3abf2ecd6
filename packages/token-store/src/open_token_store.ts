import { type AnonymousBudget, createAnonymousBudgets } from './anonymous_budgets.ts';
import type { TokenStore } from './contract.ts';
import { createMemoryBackend } from './memory/backend.ts';
import type { SentinelUser } from './redis/connections.ts';
import type { StoreLog } from './redis/health.ts';
import type { StoreUse } from './redis/rights.ts';
import { readTls, type StoreTls } from './redis/tls.ts';
import { parseStoreUrl } from './store_url.ts';
import { createTokenStore } from './token_store.ts';

const MIB = 1024 * 1024;

export interface OpenStoreOptions {
  /** `memory:`, `redis://host:port/db`, `redis+cluster://a,b,c`, `redis+sentinel://a,b/mymaster`; with TLS `rediss…`. */
  readonly url: string;
  /** Certificates for a `rediss…` URL. */
  readonly tls?: StoreTls | undefined;
  /** Who one is to the Sentinels. The URL says who one is to Redis. */
  readonly sentinel?: SentinelUser | undefined;
  /**
   * Encrypts split entries under a key derived from the client's half. Default: true. A gateway that is not Tallystick's may
   * need the readable form. Both forms are read, whatever this says.
   */
  readonly seal?: boolean;
  /** Begins every Redis key. Default: `tallystick:`. */
  readonly prefix?: string;
  /** Milliseconds that Redis may take to answer. Default: 2000. */
  readonly commandTimeout?: number;
  /**
   * How many replicas must have a write before it counts; if fewer do, it is an error, and what was written stays. Default: 0,
   * with which a fail-over can lose the last writes.
   */
  readonly waitForReplicas?: number;
  /** Where split entries are read first. Replicas are known to Sentinels and to a Cluster. Default: `master`. */
  readonly readFrom?: 'master' | 'replica';
  /** Seconds that a replica may be behind and still answer. Default: 60, after which Redis gives up its link. */
  readonly maxReplicaLag?: number;
  /** Entries that the memory store holds at most; past that, new ones are refused. Default: 200,000. */
  readonly maxEntries?: number;
  /** Bytes that the memory store holds at most, keys and all, by its own estimate. Default: 256 MiB. */
  readonly maxBytes?: number;
  /**
   * What anonymous records of each kind, written by this process, take up at most. Default: 10,000 entries and 16 MiB.
   * Kinds are interactions, sessions without a user, registered clients that were never used, pushed requests and device codes.
   */
  readonly anonymous?: AnonymousBudget;
  /**
   * What it is opened for: the Redis user's rights to do that are looked at on every connection, and it is not used before
   * it has them. Default: nothing; a command that is refused is then an error of its own.
   */
  readonly uses?: readonly StoreUse[];
  /** Is told, once for each change, why the store cannot be used, that it can again, and what is dangerous about it. */
  readonly log?: StoreLog;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: () => number;
}

/**
 * Opens the store that a URL names. It need not be reachable yet; what it is asked then throws StoreUnavailableError.
 *
 * @throws {TypeError} for a URL of no known kind, or certificates that cannot be read
 */
export async function openTokenStore(options: OpenStoreOptions): Promise<TokenStore> {
  const {
    url,
    tls = {},
    sentinel,
    seal = true,
    prefix = 'tallystick:',
    commandTimeout = 2000,
    waitForReplicas = 0,
    readFrom = 'master',
    maxReplicaLag = 60,
    maxEntries = 200_000,
    maxBytes = 256 * MIB,
    anonymous = { maxEntries: 10_000, maxBytes: 16 * MIB },
    uses = [],
    log,
    now = () => Date.now(),
  } = options;
  const location = parseStoreUrl(url);
  const storeOptions = { seal, now, anonymous: createAnonymousBudgets(anonymous, { now }) };
  if (location.kind === 'memory') {
    return createTokenStore(createMemoryBackend({ maxEntries, maxBytes, now }), storeOptions);
  }
  if (readFrom === 'replica' && location.kind === 'standalone') {
    throw new TypeError('store.readFrom: expected master, as only Sentinels and a Cluster know of replicas');
  }
  const material = await readTls(tls);
  // Loaded only when it is used: most development runs on the memory store, and should start fast.
  const { createRedisBackend } = await import('./redis/backend.ts');
  const backend = createRedisBackend({
    location,
    tls: material,
    sentinel,
    prefix,
    commandTimeout,
    waitForReplicas,
    uses,
    log,
    maxReplicaLag: readFrom === 'replica' ? maxReplicaLag * 1000 : undefined,
  });
  return createTokenStore(backend, storeOptions);
}
