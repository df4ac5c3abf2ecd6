import { AccessTokenError, type JwtAccessTokenClaims } from '@tallystick/resource-server';
import type { RevocationListener, TokenStore } from '@tallystick/token-store';
import { decodeJwt } from 'jose';
import type { IntrospectionAnswer } from '../authorization_server/introspect.ts';
import { type Issuers, issuerOf } from '../authorization_server/issuers.ts';
import type { Credentials } from '../authorize/credentials.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Lookup } from './lookup.ts';
import type { FillCache, TokenCache } from './token_cache.ts';

/** Why a WebSocket outlived its token. */
export type TokenEnd = 'expired' | 'revoked';

/** A WebSocket that was opened with an access token. */
export interface TokenHolder {
  readonly route: ProtectedRoute;
  readonly credentials: Credentials;
  /** Undefined for `opaque`. */
  readonly claims: JwtAccessTokenClaims | undefined;
  /** Who opened it, as far as the gateway knows. */
  readonly sender: string;
  close(why: TokenEnd): void;
}

/**
 * Watches the tokens of open WebSockets, which are looked at once, when a WebSocket is opened, and then never again.
 *
 * A WebSocket is closed when its token expires, and as soon as the feed tells of its revocation. While the feed is down nothing
 * says that a token is bad, and all stay open. When it is back, each token is looked up once more.
 */
export interface TokenWatch {
  /** Changes whenever a revocation is heard, or may have been missed, as long as there is somebody to hear it for. */
  readonly heard: number;
  /**
   * Begins when the API is asked whether it agrees, so that a revocation in between is not missed.
   *
   * @param heardBefore what `heard` was before the token was looked at: what came in between counts
   */
  watch(holder: TokenHolder, heardBefore: number): Watching;
}

export interface Watching {
  /** There is a WebSocket now: what is not known of its token yet is looked up. */
  opened(): void;
  stop(): void;
}

export interface TokenWatchDependencies {
  readonly cache: Pick<TokenCache, 'resolve'>;
  readonly fill: FillCache;
  /** The feed. It is listened to while there is a WebSocket: those of a gateway that was replaced outlast its requests. */
  readonly subscribe: TokenStore['subscribe'];
  readonly issuers: Issuers;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Milliseconds between two looks at the clock. By the clock, not by timers: it can be set, and some tokens outlive timers. */
const INTERVAL = 1000;
/** How many tokens are being looked up at one time, when the feed is back. */
const MAX_LOOKUPS = 32;
/** Milliseconds after which a failed lookup is repeated. */
const RETRY = 2000;
/** Milliseconds for which a token is waited for that may have been prolonged, but nobody can say so. */
const PATIENCE = 300_000;

/** Until when a token is good, in epoch milliseconds. */
interface Standing {
  readonly until: number;
  /** Whether that is the token's own end. Otherwise it is that of a JWT which the gateway made for a shorter time. */
  readonly isFinal: boolean;
}

const UNKNOWN: Standing = { until: Number.POSITIVE_INFINITY, isFinal: true };

interface Watched extends TokenHolder {
  standing: Standing;
  /** Epoch milliseconds; when the token is looked up next. */
  lookAt: number;
  /** The API has agreed. Until then it is only listened for. */
  isOpen: boolean;
  /** It waits to be looked up, or is being looked up. */
  isDue: boolean;
}

const NEVER = Number.POSITIVE_INFINITY;

export function createTokenWatch({ cache, fill, issuers, subscribe, now }: TokenWatchDependencies): TokenWatch {
  const byKey = new Map<string, Set<Watched>>();
  /** Those that wait to be looked up, in the order of their turns. */
  const due = new Set<Watched>();
  let heard = 0;
  let lookups = 0;
  let stopListening: (() => void) | undefined;

  const listener: RevocationListener = {
    revoked(key) {
      heard += 1;
      for (const watched of [...(byKey.get(key) ?? [])]) end(watched, 'revoked');
    },
    disconnected() {
      heard += 1;
    },
    connected() {
      heard += 1;
      for (const watched of all()) lookAgain(watched);
      check();
    },
  };

  function listen(): () => void {
    const timer = setInterval(check, INTERVAL).unref();
    const unsubscribe = subscribe(listener);
    return () => {
      clearInterval(timer);
      unsubscribe();
    };
  }

  /** Looks a token up with the next check. A JWT is good until it expires, whatever there was to hear. */
  function lookAgain(watched: Watched): void {
    if (watched.route.style !== 'jwt') watched.lookAt = 0;
  }

  function end(watched: Watched, why: TokenEnd): void {
    if (forget(watched)) watched.close(why);
  }

  /** @returns whether it was watched */
  function forget(watched: Watched): boolean {
    const { key } = watched.credentials;
    const sharing = byKey.get(key);
    const was = sharing?.delete(watched) ?? false;
    due.delete(watched);
    if (sharing?.size === 0) byKey.delete(key);
    if (byKey.size === 0) {
      stopListening?.();
      stopListening = undefined;
    }
    return was;
  }

  function* all(): Iterable<Watched> {
    for (const sharing of byKey.values()) yield* sharing;
  }

  function check(): void {
    const time = now();
    for (const watched of [...all()]) {
      const { standing, lookAt, isOpen, isDue } = watched;
      if (time >= standing.until + (standing.isFinal ? 0 : PATIENCE)) end(watched, 'expired');
      else if (time >= lookAt && isOpen && !isDue) {
        watched.isDue = true;
        due.add(watched);
      }
    }
    lookUpNext();
  }

  function lookUpNext(): void {
    for (const watched of due) {
      if (lookups >= MAX_LOOKUPS) return;
      due.delete(watched);
      void look(watched);
    }
  }

  async function look(watched: Watched): Promise<void> {
    watched.lookAt = NEVER;
    lookups += 1;
    try {
      watched.standing = await standingOf(watched);
      // What came while it was looked up asks for another look.
      watched.lookAt = Math.min(watched.lookAt, watched.standing.until);
    } catch (error) {
      if (error instanceof AccessTokenError) end(watched, now() >= watched.standing.until ? 'expired' : 'revoked');
      else setTimeout(lookAgain, RETRY, watched).unref(); // That nobody can say is no reason to close it.
    } finally {
      watched.isDue = false;
      lookups -= 1;
    }
    lookUpNext();
  }

  /** @throws {AccessTokenError} the token is not good any more; and whatever a lookup throws */
  async function standingOf(watched: Watched): Promise<Standing> {
    const { route, credentials, sender, standing } = watched;
    const lookup: Lookup = { route, credentials, sender, decision: { cache: 'none' } };
    if (route.style === 'opaque') return opaqueStanding(lookup, standing);
    const { claims } = await cache.resolve(lookup, fill);
    return standingBy(claims, route);
  }

  /**
   * The API has judged the token, and it is not for the gateway to overrule that: an authorization server that does not call it
   * active right after that does not tell the gateway about such tokens.
   */
  async function opaqueStanding(lookup: Lookup, standing: Standing): Promise<Standing> {
    const answer = await issuerOf(issuers, lookup.route).introspection?.introspect(lookup);
    if (answer !== undefined) return { until: expiryOf(answer), isFinal: true };
    if (standing === UNKNOWN) return NOT_TOLD;
    if (standing === NOT_TOLD) return standing;
    throw new AccessTokenError('invalid_token', 'the access token is not active');
  }

  return {
    get heard() {
      return heard;
    },
    watch(holder, heardBefore) {
      const { claims, route, credentials } = holder;
      const standing = claims === undefined ? UNKNOWN : standingBy(claims, route);
      const watched: Watched = { ...holder, standing, lookAt: standing.until, isOpen: false, isDue: false };
      const sharing = byKey.get(credentials.key) ?? new Set();
      byKey.set(credentials.key, sharing.add(watched));
      stopListening ??= listen();
      return {
        opened() {
          watched.isOpen = true;
          if (standing === UNKNOWN || heard !== heardBefore) lookAgain(watched);
          check();
        },
        stop: () => void forget(watched),
      };
    },
  };
}

/** Like what is not known, but asked already. */
const NOT_TOLD: Standing = { ...UNKNOWN };

function standingBy({ exp, iss }: JwtAccessTokenClaims, route: ProtectedRoute): Standing {
  return { until: exp * 1000, isFinal: iss === route.issuer };
}

/** Only the time is taken from the JWT: nothing is let through for what it says. */
function expiryOf(answer: IntrospectionAnswer): number {
  try {
    const { exp } = 'jwt' in answer ? decodeJwt(answer.jwt) : answer.introspection;
    return exp === undefined ? NEVER : exp * 1000;
  } catch {
    return NEVER; // Such as an encrypted one.
  }
}
