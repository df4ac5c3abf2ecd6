import { createAnonymousBudgets } from './anonymous_budgets.ts';
import type { StoreConfig } from './config/store_config.ts';
import type { TokenStore } from './contract.ts';
import { createMemoryBackend } from './memory/backend.ts';
import type { StoreLog } from './redis/health.ts';
import type { StoreUse } from './redis/rights.ts';
import { readTls } from './redis/tls.ts';
import { parseStoreUrl } from './store_url.ts';
import { createTokenStore } from './token_store.ts';

export interface StoreDependencies {
  /**
   * Operations for which the store is opened. Every connection is checked for the rights that they need before it is used. Default:
   * none; nothing is checked, and a command that Redis refuses fails by itself.
   */
  readonly uses?: readonly StoreUse[] | undefined;
  /** Receives one message for each change: the store is unavailable, available again, or in a dangerous state. */
  readonly log?: StoreLog | undefined;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds that Redis may take to answer. Default: 2000. */
  readonly commandTimeout?: number | undefined;
}

/**
 * Opens the configured store. It need not be reachable yet; until it is, its operations throw StoreUnavailableError.
 *
 * @throws {TypeError} a certificate cannot be read
 */
export async function openTokenStore(
  { url, tls = {}, sentinel, seal, prefix, maxEntries, maxBytes, anonymous, ...replication }: StoreConfig,
  { uses = [], log, now = () => Date.now(), commandTimeout = 2000 }: StoreDependencies = {},
): Promise<TokenStore> {
  const { waitForReplicas, readFrom, maxReplicaLag } = replication;
  const location = parseStoreUrl(url);
  const storeOptions = { seal, now, anonymous: createAnonymousBudgets(anonymous, { now }) };
  if (location.kind === 'memory') {
    return createTokenStore(createMemoryBackend({ maxEntries, maxBytes, now }), storeOptions);
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
