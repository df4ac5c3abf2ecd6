import { AccessTokenError, type JwtAccessTokenClaims, type RemoteJwks } from '@tallystick/resource-server';
import type { RevocationListener } from '@tallystick/token-store';
import { LRUCache } from 'lru-cache';
import type { GatewayConfig } from '../config/config.ts';
import { createFlights, type Flight } from './flights.ts';
import type { Lookup } from './lookup.ts';

/** What is known about a client-held token whose JWT was found and validated. */
export interface ResolvedToken {
  /** What of the JWT the resolver keeps. */
  readonly kept: string;
  readonly claims: JwtAccessTokenClaims;
  /** Which key signed the JWT. */
  readonly kid: string | undefined;
  /** The keys of its issuer. */
  readonly keys: Pick<RemoteJwks, 'has'>;
  /** Seconds for which it may be cached, as far as its source says. */
  readonly maxAge: number;
}

/**
 * Finds the JWT of a client-held token and validates it, for the cache and for those who wait.
 *
 * @returns undefined when there is no active token
 */
export type FillCache = (lookup: Lookup) => Promise<ResolvedToken | undefined>;

/**
 * The first-level cache, with single flight and a small memory for tokens that are no good.
 *
 * As a {@link RevocationListener} it is what makes revocation reach requests at once. While the feed is disconnected, nothing is
 * read from the cache or written to it.
 */
export interface TokenCache extends RevocationListener {
  /**
   * What is known about a token for an API, from the cache or from `fill`.
   *
   * @param lookup its route is of one of the partitions given at the start
   * @throws {AccessTokenError} `invalid_token` when there is no active token; and whatever `fill` throws
   */
  resolve(lookup: Lookup, fill: FillCache): ResolvedToken | Promise<ResolvedToken>;
  size(): CacheSize;
}

/** What is cached at the moment. */
export interface CacheSize {
  readonly entries: number;
  readonly bytes: number;
  /** Tokens that were found to be no good. */
  readonly inactive: number;
}

export interface TokenCacheDependencies {
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Entry {
  readonly token: ResolvedToken;
  /** Epoch milliseconds. */
  readonly usableUntil: number;
}

const MEBIBYTE = 1024 * 1024;

/** Bytes that an entry takes for being one, whatever is in it. */
const overhead = 256;

/** Claims take two or three times their JSON, which in turn is what the JWT carries. */
function bytesOf({ kept, claims }: ResolvedToken): number {
  return kept.length + 3 * JSON.stringify(claims).length;
}

export function createTokenCache(
  config: GatewayConfig['cache'],
  partitions: readonly string[],
  { now }: TokenCacheDependencies,
): TokenCache {
  const entries = new LRUCache<string, Entry>({
    max: config.maxEntries,
    maxSize: config.maxBytes ?? 64 * MEBIBYTE,
    sizeCalculation: ({ token }, id) => overhead + id.length + bytesOf(token),
  });
  const inactive = new LRUCache<string, number>({
    max: config.negative.maxEntries,
    maxSize: config.negative.maxBytes ?? MEBIBYTE,
    sizeCalculation: (_, id) => overhead + id.length,
  });
  const flights = createFlights<ResolvedToken>();
  const identify = (key: string, partition: string) => `${key} ${partition}`;
  let connected = false;
  /** Changes whenever revocations may have been missed, or are heard again. */
  let epoch = 0;

  function cached(id: string): ResolvedToken | undefined {
    const entry = entries.get(id);
    if (entry === undefined) return undefined;
    const { token, usableUntil } = entry;
    if (now() < usableUntil && token.kid !== undefined && token.keys.has(token.kid)) return token;
    entries.delete(id);
    return undefined;
  }

  function isKnownInactive(id: string): boolean {
    const since = inactive.get(id);
    if (since === undefined) return false;
    // A clock that was set back must not keep a token out until it has caught up.
    if (Math.abs(now() - since) < config.negative.maxAge * 1000) return true;
    inactive.delete(id);
    return false;
  }

  async function lookUp(id: string, flight: Flight, lookup: Lookup, fill: FillCache): Promise<ResolvedToken> {
    const epochAtStart = epoch;
    const token = await fill(lookup);
    if (token === undefined) {
      inactive.set(id, now());
      throw new AccessTokenError('invalid_token', 'the access token is not active');
    }
    if (flight.revoked) throw new AccessTokenError('invalid_token', 'the access token was revoked');
    if (connected && epoch === epochAtStart) remember(id, token);
    return token;
  }

  function remember(id: string, token: ResolvedToken): void {
    const maxAge = Math.min(config.maxAge, token.maxAge);
    // What has no key identifier, or one that several keys have, could not be dropped when its key leaves the JWKS.
    if (maxAge <= 0 || token.kid === undefined || !token.keys.has(token.kid)) return;
    entries.set(id, { token, usableUntil: Math.min(now() + maxAge * 1000, token.claims.exp * 1000) });
  }

  function forgetAll(): void {
    epoch += 1;
    entries.clear();
    flights.abandon();
  }

  return {
    resolve(lookup, fill) {
      const { route, credentials, decision } = lookup;
      const id = identify(credentials.key, route.cachePartition);
      const known = connected ? cached(id) : undefined;
      if (known !== undefined) {
        decision.cache = 'hit';
        return known;
      }
      if (isKnownInactive(id)) {
        decision.cache = 'negative';
        throw new AccessTokenError('invalid_token', 'the access token is not active');
      }
      // Without the feed a lookup may have begun before a revocation that nobody heard of: each request makes its own.
      const joined = connected ? flights.underWay(id) : undefined;
      if (joined !== undefined) {
        decision.cache = 'joined';
        if (joined.trace) decision.trace?.joins(joined.trace);
        return joined.landing;
      }
      decision.cache = connected ? 'miss' : 'bypass';
      return flights.start(id, decision.trace, (flight) => lookUp(id, flight, lookup, fill));
    },
    size: () => ({ entries: entries.size, bytes: entries.calculatedSize, inactive: inactive.size }),
    revoked(key) {
      for (const partition of partitions) {
        const id = identify(key, partition);
        entries.delete(id);
        flights.revoke(id);
      }
    },
    disconnected() {
      connected = false;
      forgetAll();
    },
    connected() {
      connected = true;
      forgetAll();
    },
  };
}
