import { fetchJson } from '../fetch_json.ts';
import { createBudget } from './budget.ts';
import { type KeySet, keySetOf, unavailable } from './key_set.ts';

/** Seconds after a failed fetch before another one: short enough to recover soon, long enough to spare a struggling server. */
const PAUSE_AFTER_FAILURE = 1;

/** Number of fetches that notifications of changed keys may cause at once. Each second allows one more. */
const NOTIFIED_FETCHES = 4;

export interface KeySetCacheOptions {
  readonly uri: string;
  /** Milliseconds. */
  readonly timeout: number;
  /** Seconds. */
  readonly refreshInterval: number;
  /** Seconds. */
  readonly cooldown: number;
}

/** The current keys of an authorization server, and the fetches that keep them fresh. */
export interface KeySetCache {
  /** Undefined before the first fetch. */
  readonly keySet: KeySet | undefined;
  /** Number of fetches that have begun. */
  readonly begunFetches: number;
  /** Which of these fetches brought the current keys; 0 before the first one. */
  readonly currentFetch: number;
  readonly isFetching: boolean;
  readonly lastFetchFailed: boolean;
  /** Whether the pause after the last fetch is over. */
  isPauseOver(): boolean;
  /** Fetches the keys, or joins the fetch in flight. @throws {JwksError} `unavailable`; the current keys stay */
  refresh(): Promise<void>;
  /** Fetches the keys in the background if they are old, or if a notification is waiting. */
  refreshIfStale(): void;
  /** Notes that the keys have changed, and fetches them in the background. */
  changed(): void;
  /** Replaces the keys without a fetch. The result of a fetch in flight is ignored. */
  take(keys: readonly unknown[]): void;
}

export function createKeySetCache(
  { uri, timeout, refreshInterval, cooldown }: KeySetCacheOptions,
  { fetch, now }: { readonly fetch: typeof globalThis.fetch; readonly now: () => number },
): KeySetCache {
  let keySet: KeySet | undefined;
  let inFlight: Promise<void> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let lastFetchFailed = false;
  let isNotified = false;
  let begunFetches = 0;
  let currentFetch = 0;
  const notifications = createBudget({ capacity: NOTIFIED_FETCHES, interval: 1, now });

  // The absolute value, because a clock that was set back must not block fetches until it has caught up.
  const secondsSince = (time: number) => Math.abs(now() - time) / 1000;
  const isPauseOver = () =>
    secondsSince(triedAt) >= (lastFetchFailed ? Math.min(cooldown, PAUSE_AFTER_FAILURE) : cooldown);

  async function fetchKeys(): Promise<void> {
    begunFetches += 1;
    const thisFetch = begunFetches;
    try {
      const fetched = await fetchKeySet({ subject: 'the JWKS', url: uri, timeout, unavailable, fetch });
      // Keys that `take` set meanwhile are newer.
      if (thisFetch > currentFetch) use(fetched, thisFetch);
    } catch (error) {
      lastFetchFailed = true;
      throw error;
    } finally {
      triedAt = now();
    }
  }

  function use(newKeySet: KeySet, fetchNumber: number): void {
    keySet = newKeySet;
    currentFetch = fetchNumber;
    fetchedAt = now();
    lastFetchFailed = false;
  }

  function refresh(): Promise<void> {
    inFlight ??= fetchKeys().finally(() => {
      inFlight = undefined;
      refreshIfNotified(); // A notification during the fetch may be about newer keys.
    });
    return inFlight;
  }

  function refreshIfNotified(): void {
    if (!isNotified || inFlight !== undefined || (lastFetchFailed && !isPauseOver()) || !notifications.spend(1)) return;
    isNotified = false;
    refresh().catch(() => {
      isNotified = true; // A later use tries again.
    });
  }

  return {
    get keySet() {
      return keySet;
    },
    get begunFetches() {
      return begunFetches;
    },
    get currentFetch() {
      return currentFetch;
    },
    get isFetching() {
      return inFlight !== undefined;
    },
    get lastFetchFailed() {
      return lastFetchFailed;
    },
    isPauseOver,
    refresh,
    refreshIfStale() {
      refreshIfNotified();
      if (keySet === undefined || secondsSince(fetchedAt) < refreshInterval || !isPauseOver()) return;
      // Nobody waits for this fetch: the old keys remain in use, and a later use tries again.
      refresh().catch(() => {});
    },
    changed() {
      isNotified = true;
      refreshIfNotified();
    },
    take(keys) {
      begunFetches += 1;
      use(keySetOf(keys), begunFetches);
    },
  };
}

async function fetchKeySet(exchange: Parameters<typeof fetchJson>[0]): Promise<KeySet> {
  const { status, json } = await fetchJson(exchange);
  if (status !== 200) throw unavailable(`the JWKS was answered with status ${status}`);
  if (typeof json !== 'object' || json === null || !('keys' in json) || !Array.isArray(json.keys)) {
    throw unavailable('the JWKS has no array of keys');
  }
  return keySetOf(json.keys);
}
