import type { JWTVerifyGetKey } from 'jose';
import { findKey, JwksError, unavailable } from './key_set.ts';
import { KeySetCache } from './key_set_cache.ts';
import { createUnknownKeys } from './unknown_keys.ts';

/** Options of {@link createJwksClient}. */
export interface JwksClientOptions {
  /** URL of the authorization server's keys (`jwks_uri`, RFC 8414 section 2). */
  readonly uri: string;
  /** Timeout of a fetch in milliseconds. Default: 3000. */
  readonly timeout?: number;
  /** Seconds after which the next use fetches the keys again in the background. Default: 300. */
  readonly refreshInterval?: number;
  /**
   * Seconds after a fetch when a token with an unknown `kid` always causes another fetch. Default: 5. Before that it does so only
   * while few different `kid`s are unknown; all of them share one fetch.
   */
  readonly cooldown?: number;
}

/** Dependencies of {@link createJwksClient}. */
export interface JwksClientDependencies {
  readonly fetch?: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** The public keys of an authorization server. Using them keeps them fresh. */
export interface JwksClient {
  /**
   * The key for a token, for jose's `jwtVerify`. If the token has no `kid`, or several keys have it, the first 16 keys for its
   * algorithm are tried, and the one that verifies it is returned.
   *
   * @throws {JwksError} `unknown_key` if the authorization server does not have the key; `unavailable` if it could not be asked
   */
  getKey(...parameters: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>>;
  /** Whether the current set has exactly one key with this `kid`. False before the first fetch. */
  has(kid: string): boolean;
  /**
   * Fetches the keys, or joins the fetch in flight.
   *
   * @throws {JwksError} `unavailable` if the fetch fails; the current keys stay
   */
  refresh(): Promise<void>;
  /**
   * Tells the client that the authorization server has changed its keys. The client fetches them in the background: a few times at
   * once, then at most once a second. The last notification is never lost.
   */
  changed(): void;
  /**
   * Replaces the keys without a fetch, for example with those of an authorization server in the same process.
   *
   * @param jwks the whole published set (RFC 7517 section 5); the result of a fetch in flight is ignored
   */
  take(jwks: { readonly keys: readonly unknown[] }): void;
}

/**
 * Keeps the public keys of an authorization server (RFC 7517 section 5), fetched over HTTP.
 *
 * There is no fetch before the first use and no timer: keys older than `refreshInterval` remain in use while new ones are fetched. A
 * failed fetch does not lose keys. A key is reported as unknown only after a fetch that began when the token was already there, unless
 * a flood of tokens with different unknown keys arrives.
 */
export function createJwksClient(options: JwksClientOptions, dependencies: JwksClientDependencies = {}): JwksClient {
  const { uri, timeout = 3000, refreshInterval = 300, cooldown = 5 } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = dependencies;
  const cache = new KeySetCache({ uri, timeout, refreshInterval, cooldown }, { fetch, now });
  const unknownKeys = createUnknownKeys({ cooldown, now });

  /** Fetches keys until the set has a key, or shows that it lacks it. @param fetchesBefore fetches that had begun before the token came */
  async function search(kid: string, fetchesBefore: number): Promise<void> {
    unknownKeys.await(kid);
    try {
      // A fetch that was in flight when the token came may not have the key yet.
      while (cache.currentFetch <= fetchesBefore && !cache.keySet?.kids.has(kid)) {
        if (!cache.isFetching && !mayFetchFor(kid)) return;
        await cache.refresh();
      }
    } finally {
      const notFound = cache.currentFetch > fetchesBefore ? 'missing' : 'undecided';
      unknownKeys.settle(kid, cache.keySet?.kids.has(kid) ? 'found' : notFound);
    }
  }

  function mayFetchFor(kid: string): boolean {
    if (cache.isPauseOver()) return true;
    if (cache.lastFetchFailed) throw unavailable('the JWKS could not be reached');
    return unknownKeys.mayFetch(kid);
  }

  return {
    async getKey(header, token) {
      cache.refreshIfStale();
      const fetchesBefore = cache.begunFetches;
      if (cache.keySet === undefined) await cache.refresh();
      const known = await findKey(cache.keySet, header, token);
      if (known !== undefined) return known;

      // If the set has the kid but the key does not fit the token's alg, the token is wrong and a fetch would not help.
      const { kid } = header;
      if (kid === undefined || !cache.keySet?.kids.has(kid)) await search(kid ?? '', fetchesBefore);
      const found = await findKey(cache.keySet, header, token);
      if (found === undefined) throw new JwksError('unknown_key', 'the token is signed with an unknown key');
      return found;
    },
    has(kid) {
      cache.refreshIfStale();
      return cache.keySet?.kids.get(kid) === 1;
    },
    refresh: () => cache.refresh(),
    changed: () => cache.changed(),
    take: (jwks) => cache.take(jwks.keys),
  };
}
