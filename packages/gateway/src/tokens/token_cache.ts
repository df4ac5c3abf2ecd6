import type { TokenProblem } from '@tallystick/common';
import { AccessTokenError, type JwtAccessTokenClaims, type RemoteJwks } from '@tallystick/resource-server';
import type { RevocationListener } from '@tallystick/token-store';
import { LRUCache } from 'lru-cache';
import type { GatewayConfig } from '../config/config.ts';
import type { Lookup } from './resolver.ts';
import { createSingleFlight, type FlightState } from './single_flight.ts';

/** A client-held token whose JWT was found and validated. */
export interface ResolvedToken {
  /** The part of the JWT that the resolver keeps. */
  readonly kept: string;
  readonly claims: JwtAccessTokenClaims;
  /** Identifier of the key that signed the JWT. */
  readonly kid: string | undefined;
  /** The keys of its issuer. */
  readonly keys: Pick<RemoteJwks, 'has'>;
  /** Seconds for which its source allows it to be cached. */
  readonly maxAge: number;
}

/**
 * Finds the JWT of a client-held token and validates it.
 *
 * @returns undefined when there is no active token
 */
export type FillCache = (lookup: Lookup) => Promise<ResolvedToken | undefined>;

/**
 * The first level of the cache, with single flight and a small negative cache.
 *
 * It is a {@link RevocationListener}, so a revocation takes effect at once. While the feed is disconnected, the cache is neither read
 * nor written.
 */
export interface TokenCache extends RevocationListener {
  /**
   * The token for an API, from the cache or from `fill`.
   *
   * @param lookup its route is of one of the partitions that the cache was created with
   * @throws {AccessTokenError} `invalid_token` when there is no active token; and whatever `fill` throws
   */
  resolve(lookup: Lookup, fill: FillCache): ResolvedToken | Promise<ResolvedToken>;
  size(): CacheSize;
}

/** Current size of the cache. */
export interface CacheSize {
  readonly entries: number;
  readonly bytes: number;
  /** Number of tokens that are remembered as inactive. */
  readonly inactive: number;
}

export interface TokenCacheDependencies {
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createTokenCache(
  config: GatewayConfig['cache'],
  partitions: readonly string[],
  { now }: TokenCacheDependencies,
): TokenCache {
  const valid = createValidTokens(config, now);
  const inactive = createInactiveTokens(config.negative, now);
  const recent = createRecentTokens(now);
  const inFlight = createSingleFlight<ResolvedToken>();
  let connected = false;
  /** Changes whenever the feed connects or disconnects: revocations may have been missed. */
  let epoch = 0;

  async function lookUp(id: string, state: FlightState, lookup: Lookup, fill: FillCache): Promise<ResolvedToken> {
    const epochAtStart = epoch;
    const token = await fill(lookup);
    const { credentials, decision } = lookup;
    if (token === undefined) {
      const problem = recent.problemOf(credentials.key) ?? decision.tokenProblem ?? 'unknown';
      inactive.add(id, problem);
      throw notActive(problem);
    }
    if (state.isRevoked)
      throw new AccessTokenError('invalid_token', 'the access token was revoked', { problem: 'revoked' });
    recent.add(credentials.key, token.claims.exp);
    if (connected && epoch === epochAtStart) valid.add(id, token);
    return token;
  }

  function clear(): void {
    epoch += 1;
    valid.clear();
    inFlight.detachAll();
  }

  return {
    resolve(lookup, fill) {
      const { route, credentials, decision } = lookup;
      const id = identify(credentials.key, route.cachePartition);
      const cached = connected ? valid.find(id) : undefined;
      if (cached !== undefined) {
        decision.cache = 'hit';
        return cached;
      }
      const problem = inactive.problemOf(id);
      if (problem !== undefined) {
        decision.cache = 'negative';
        throw notActive(problem);
      }
      // Without the feed, a lookup in flight may have started before a revocation. So each request makes its own.
      const flight = connected ? inFlight.find(id) : undefined;
      if (flight !== undefined) {
        decision.cache = 'joined';
        if (flight.trace) decision.trace?.joins(flight.trace);
        return flight.result;
      }
      decision.cache = connected ? 'miss' : 'bypass';
      return inFlight.start(id, decision.trace, (state) => lookUp(id, state, lookup, fill));
    },
    size: () => ({ ...valid.size(), inactive: inactive.size() }),
    revoked(key) {
      recent.revoke(key);
      for (const partition of partitions) {
        const id = identify(key, partition);
        valid.delete(id);
        inFlight.revoke(id);
      }
    },
    disconnected() {
      connected = false;
      clear();
    },
    connected() {
      connected = true;
      clear();
    },
  };
}

function identify(key: string, partition: string): string {
  return `${key} ${partition}`;
}

/** Bytes that an entry takes beside its content. */
const ENTRY_OVERHEAD = 256;

interface Entry {
  readonly token: ResolvedToken;
  /** Epoch milliseconds. */
  readonly usableUntil: number;
}

/** The validated tokens. An entry is dropped when it expires, or when its signing key leaves the JWKS. */
function createValidTokens({ maxEntries, maxBytes, maxAge }: GatewayConfig['cache'], now: () => number) {
  const entries = new LRUCache<string, Entry>({
    max: maxEntries,
    maxSize: maxBytes,
    sizeCalculation: ({ token }, id) => ENTRY_OVERHEAD + id.length + bytesOf(token),
  });
  return {
    find(id: string): ResolvedToken | undefined {
      const entry = entries.get(id);
      if (entry === undefined) return undefined;
      const { token, usableUntil } = entry;
      if (now() < usableUntil && token.kid !== undefined && token.keys.has(token.kid)) return token;
      entries.delete(id);
      return undefined;
    },
    add(id: string, token: ResolvedToken): void {
      const seconds = Math.min(maxAge, token.maxAge);
      // A JWT without a key identifier, or with one that several keys have, could not be dropped when its key leaves the JWKS.
      if (seconds <= 0 || token.kid === undefined || !token.keys.has(token.kid)) return;
      entries.set(id, { token, usableUntil: Math.min(now() + seconds * 1000, token.claims.exp * 1000) });
    },
    delete: (id: string) => entries.delete(id),
    clear: () => entries.clear(),
    size: () => ({ entries: entries.size, bytes: entries.calculatedSize }),
  };
}

/** Approximate. Parsed claims take two or three times the bytes of their JSON. */
function bytesOf({ kept, claims }: ResolvedToken): number {
  return kept.length + 3 * JSON.stringify(claims).length;
}

/** The client learns only that the token is not active (RFC 7662 section 2.2). */
function notActive(problem: TokenProblem): AccessTokenError {
  return new AccessTokenError('invalid_token', 'the access token is not active', { problem });
}

/** Number of tokens whose end is remembered. */
const RECENT_TOKENS = 10_000;

/** What this gateway knows about tokens that it has seen or heard of, to say later why they are not active. */
function createRecentTokens(now: () => number) {
  /** The expiry of a token in epoch milliseconds; 0 if it was revoked. */
  const ends = new LRUCache<string, number>({ max: RECENT_TOKENS });
  return {
    problemOf(key: string): TokenProblem | undefined {
      const end = ends.get(key);
      if (end === 0) return 'revoked';
      return end !== undefined && end <= now() ? 'expired' : undefined;
    },
    add: (key: string, exp: number) => void ends.set(key, exp * 1000),
    revoke: (key: string) => void ends.set(key, 0),
  };
}

/** The negative cache: tokens that were found inactive a short time ago. */
function createInactiveTokens(config: GatewayConfig['cache']['negative'], now: () => number) {
  /** When a token was found inactive, in epoch milliseconds, and why it is. */
  const found = new LRUCache<string, { readonly at: number; readonly problem: TokenProblem }>({
    max: config.maxEntries,
    maxSize: config.maxBytes,
    sizeCalculation: (_, id) => ENTRY_OVERHEAD + id.length,
  });
  return {
    problemOf(id: string): TokenProblem | undefined {
      const entry = found.get(id);
      if (entry === undefined) return undefined;
      // The absolute value: when the clock was set back, a token is not refused until the clock has caught up.
      if (Math.abs(now() - entry.at) < config.maxAge * 1000) return entry.problem;
      found.delete(id);
      return undefined;
    },
    add: (id: string, problem: TokenProblem) => void found.set(id, { at: now(), problem }),
    size: () => found.size,
  };
}
