import type { TokenStore } from './contract.ts';
import { createMemoryBackend } from './memory_backend.ts';
import { createTokenStore } from './token_store.ts';

export interface OpenStoreOptions {
  /** `memory:`, `redis://host:port/db` or `rediss://…`. */
  readonly url: string;
  /**
   * Encrypts split entries under a key derived from the client's half, as records always are. Default: false, so that
   * a gateway that is not Tallystick's can read them.
   */
  readonly seal?: boolean;
  /** Begins every Redis key. Default: `tallystick:`. */
  readonly prefix?: string;
  /** Milliseconds that Redis may take to answer. Default: 2000. */
  readonly commandTimeout?: number;
  /** Entries that the memory store holds at most. Default: 200,000. */
  readonly maxEntries?: number;
  /** Epoch milliseconds. Default: `Date.now`. */
  readonly now?: () => number;
}

/**
 * Opens the store that a URL names. It need not be reachable yet; what it is asked then throws StoreUnavailableError.
 *
 * @throws {TypeError} for a URL of no known kind
 */
export async function openTokenStore(options: OpenStoreOptions): Promise<TokenStore> {
  const {
    url,
    seal = false,
    prefix = 'tallystick:',
    commandTimeout = 2000,
    maxEntries = 200_000,
    now = () => Date.now(),
  } = options;
  if (url === 'memory:') return createTokenStore(createMemoryBackend({ maxEntries, now }), { seal, now });
  if (/^rediss?:\/\//.test(url)) {
    // Loaded only when it is used: most development runs on the memory store, and should start fast.
    const { createRedisBackend } = await import('./redis_backend.ts');
    return createTokenStore(createRedisBackend({ url, prefix, commandTimeout }), { seal, now });
  }
  throw new TypeError(`no token store for "${url.split(':')[0]}:"; expected memory:, redis:// or rediss://`);
}
