import { AccessTokenError, type JwtAccessTokenClaims } from '@tallystick/resource-server';
import type { RevocationListener, TokenStore } from '@tallystick/token-store';
import type { Credentials } from '../authorize/credentials.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import {
  createFindValidity,
  type FindValidityDependencies,
  UNKNOWN,
  type Validity,
  validityOf,
} from './token_validity.ts';

/** Why a token is no longer valid. */
export type TokenEnd = 'expired' | 'revoked';

/** A WebSocket that was opened with an access token. */
export interface AuthorizedWebSocket {
  readonly route: ProtectedRoute;
  readonly credentials: Credentials;
  /** Undefined for `opaque`. */
  readonly claims: JwtAccessTokenClaims | undefined;
  /** The client that opened it, as far as the gateway knows it. */
  readonly sender: string;
  close(reason: TokenEnd): void;
}

/**
 * Watches the tokens of open WebSockets. A WebSocket is authorized only once, when it is opened, so its token can end before it.
 *
 * A WebSocket is closed when its token expires, or when the revocation feed reports the token. While the feed is down nothing says
 * that a token is revoked, and all WebSockets stay open. When the feed is back, each token is looked up again.
 */
export interface TokenWatch {
  /** Counts the events of the feed, as long as there is a WebSocket. A revocation, or the chance that one was missed, is an event. */
  readonly feedEvents: number;
  /**
   * To be called before the handshake with the API, so that no revocation is missed until the WebSocket is open.
   *
   * @param eventsBefore `feedEvents` from before the token was validated; events since then count for this token
   */
  watch(webSocket: AuthorizedWebSocket, eventsBefore: number): WatchHandle;
}

export interface WatchHandle {
  /** The WebSocket is open now. Its token is looked up if its validity is unknown. */
  opened(): void;
  stop(): void;
}

export interface TokenWatchDependencies extends FindValidityDependencies {
  /** The feed. It stays subscribed while there is a WebSocket: those of a replaced gateway outlive its requests. */
  readonly subscribe: TokenStore['subscribe'];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Milliseconds between two checks for expired tokens. One timer per token would not do: the clock can be moved, and some tokens live
 * longer than the longest timer.
 */
const CHECK_INTERVAL = 1000;
/** Maximum number of concurrent lookups when the feed is back. */
const MAX_LOOKUPS = 32;
/** Milliseconds after which a failed lookup is repeated. */
const RETRY_DELAY = 2000;
/** Milliseconds for which a WebSocket outlives its JWT while no lookup says whether its token is still valid. */
const GRACE_PERIOD = 300_000;

interface Watched extends AuthorizedWebSocket {
  validity: Validity;
  /** When the token is looked up next, in epoch milliseconds. */
  lookUpAt: number;
  /** The API has agreed. Until then the token is not looked up. */
  isOpen: boolean;
  /** A lookup is queued or in progress. */
  isPending: boolean;
}

export function createTokenWatch(dependencies: TokenWatchDependencies): TokenWatch {
  const { now } = dependencies;
  const webSockets = createWatchedSet();
  const lookups = createTaskQueue(MAX_LOOKUPS, createLookUp(dependencies, end));
  let feedEvents = 0;
  const listener: RevocationListener = {
    revoked(key) {
      feedEvents += 1;
      for (const watched of webSockets.withToken(key)) end(watched, 'revoked');
    },
    disconnected() {
      feedEvents += 1;
    },
    connected() {
      feedEvents += 1;
      for (const watched of webSockets.all()) requestLookup(watched);
      check();
    },
  };
  const events = createEventSource(dependencies.subscribe, listener, check);

  function end(watched: Watched, reason: TokenEnd): void {
    if (unwatch(watched)) watched.close(reason);
  }

  /** @returns whether it was watched */
  function unwatch(watched: Watched): boolean {
    const wasWatched = webSockets.remove(watched);
    lookups.remove(watched);
    if (webSockets.isEmpty()) events.stop();
    return wasWatched;
  }

  function check(): void {
    const time = now();
    for (const watched of webSockets.all()) {
      const { validity, lookUpAt, isOpen, isPending } = watched;
      if (time >= validity.until + (validity.isFinal ? 0 : GRACE_PERIOD)) end(watched, 'expired');
      else if (time >= lookUpAt && isOpen && !isPending) {
        watched.isPending = true;
        lookups.add(watched);
      }
    }
  }

  return {
    get feedEvents() {
      return feedEvents;
    },
    watch(webSocket, eventsBefore) {
      const { claims, route } = webSocket;
      const validity = claims === undefined ? UNKNOWN : validityOf(claims, route);
      const watched: Watched = { ...webSocket, validity, lookUpAt: validity.until, isOpen: false, isPending: false };
      webSockets.add(watched);
      events.start();
      return {
        opened() {
          watched.isOpen = true;
          if (validity === UNKNOWN || feedEvents !== eventsBefore) requestLookup(watched);
          check();
        },
        stop: () => void unwatch(watched),
      };
    },
  };
}

/** The revocation feed and the clock, from `start` to `stop`. */
function createEventSource(subscribe: TokenStore['subscribe'], listener: RevocationListener, check: () => void) {
  let stopListening: (() => void) | undefined;
  return {
    start(): void {
      if (stopListening !== undefined) return;
      const timer = setInterval(check, CHECK_INTERVAL).unref();
      const unsubscribe = subscribe(listener);
      stopListening = () => {
        clearInterval(timer);
        unsubscribe();
      };
    },
    stop(): void {
      stopListening?.();
      stopListening = undefined;
    },
  };
}

/** Looks up whether the token of a WebSocket is still valid. */
function createLookUp(dependencies: TokenWatchDependencies, end: (watched: Watched, reason: TokenEnd) => void) {
  const { now } = dependencies;
  const findValidity = createFindValidity(dependencies);
  return async (watched: Watched): Promise<void> => {
    watched.lookUpAt = Number.POSITIVE_INFINITY;
    try {
      watched.validity = await findValidity(watched, watched.validity);
      // An event of the feed during the lookup may already have requested another one.
      watched.lookUpAt = Math.min(watched.lookUpAt, watched.validity.until);
    } catch (error) {
      if (error instanceof AccessTokenError) end(watched, now() >= watched.validity.until ? 'expired' : 'revoked');
      else setTimeout(requestLookup, RETRY_DELAY, watched).unref(); // An outage is no reason to close the WebSocket.
    } finally {
      watched.isPending = false;
    }
  };
}

/** The next check looks the token up. A JWT is not looked up: it is valid until it expires. */
function requestLookup(watched: Watched): void {
  if (watched.route.accessTokens !== 'jwt') watched.lookUpAt = 0;
}

/** The watched WebSockets by token key. */
function createWatchedSet() {
  const byKey = new Map<string, Set<Watched>>();
  return {
    add(watched: Watched): void {
      const { key } = watched.credentials;
      byKey.set(key, (byKey.get(key) ?? new Set()).add(watched));
    },
    /** @returns whether it was there */
    remove(watched: Watched): boolean {
      const { key } = watched.credentials;
      const sameToken = byKey.get(key);
      const wasThere = sameToken?.delete(watched) ?? false;
      if (sameToken?.size === 0) byKey.delete(key);
      return wasThere;
    },
    isEmpty: () => byKey.size === 0,
    withToken: (key: string): Watched[] => [...(byKey.get(key) ?? [])],
    all: (): Watched[] => [...byKey.values()].flatMap((sameToken) => [...sameToken]),
  };
}

/** Runs a task for each item in the order of their arrival, at most `limit` of them at a time. @param run does not reject */
function createTaskQueue<Item>(limit: number, run: (item: Item) => Promise<void>) {
  const waiting = new Set<Item>();
  let running = 0;

  async function runNext(item: Item): Promise<void> {
    waiting.delete(item);
    running += 1;
    await run(item);
    running -= 1;
    startNext();
  }

  function startNext(): void {
    for (const item of waiting) {
      if (running >= limit) return;
      void runNext(item);
    }
  }

  return {
    add(item: Item): void {
      waiting.add(item);
      startNext();
    },
    remove: (item: Item): boolean => waiting.delete(item),
  };
}
