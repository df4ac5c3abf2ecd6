import { fetchJson } from '../fetch_json.ts';
import { type Budget, createBudget } from './budget.ts';
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

export interface KeySetCacheDependencies {
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The current keys of an authorization server, and the fetches that keep them fresh. */
export class KeySetCache {
  readonly #options: KeySetCacheOptions;
  readonly #dependencies: KeySetCacheDependencies;
  readonly #notifications: Budget;
  #keySet: KeySet | undefined;
  #inFlight: Promise<void> | undefined;
  #fetchedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #lastFetchFailed = false;
  #isNotified = false;
  #begunFetches = 0;
  #currentFetch = 0;

  constructor(options: KeySetCacheOptions, dependencies: KeySetCacheDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    this.#notifications = createBudget({ capacity: NOTIFIED_FETCHES, interval: 1, now: dependencies.now });
  }

  /** Undefined before the first fetch. */
  get keySet(): KeySet | undefined {
    return this.#keySet;
  }

  /** Number of fetches that have begun. */
  get begunFetches(): number {
    return this.#begunFetches;
  }

  /** Which of these fetches brought the current keys; 0 before the first one. */
  get currentFetch(): number {
    return this.#currentFetch;
  }

  get isFetching(): boolean {
    return this.#inFlight !== undefined;
  }

  get lastFetchFailed(): boolean {
    return this.#lastFetchFailed;
  }

  /** Whether the pause after the last fetch is over. */
  isPauseOver(): boolean {
    const { cooldown } = this.#options;
    const pause = this.#lastFetchFailed ? Math.min(cooldown, PAUSE_AFTER_FAILURE) : cooldown;
    return this.#secondsSince(this.#triedAt) >= pause;
  }

  /** Fetches the keys, or joins the fetch in flight. @throws {JwksError} `unavailable`; the current keys stay */
  refresh(): Promise<void> {
    this.#inFlight ??= this.#fetchKeys().finally(() => {
      this.#inFlight = undefined;
      this.#refreshIfNotified(); // A notification during the fetch may be about newer keys.
    });
    return this.#inFlight;
  }

  /** Fetches the keys in the background if they are old, or if a notification is waiting. */
  refreshIfStale(): void {
    this.#refreshIfNotified();
    const isFresh = this.#secondsSince(this.#fetchedAt) < this.#options.refreshInterval;
    if (this.#keySet === undefined || isFresh || !this.isPauseOver()) return;
    // Nobody waits for this fetch: the old keys remain in use, and a later use tries again.
    this.refresh().catch(() => {});
  }

  /** Notes that the keys have changed, and fetches them in the background. */
  changed(): void {
    this.#isNotified = true;
    this.#refreshIfNotified();
  }

  /** Replaces the keys without a fetch. The result of a fetch in flight is ignored. */
  take(keys: readonly unknown[]): void {
    this.#begunFetches += 1;
    this.#use(keySetOf(keys), this.#begunFetches);
  }

  async #fetchKeys(): Promise<void> {
    this.#begunFetches += 1;
    const thisFetch = this.#begunFetches;
    const { uri: url, timeout } = this.#options;
    const { fetch, now } = this.#dependencies;
    try {
      const fetched = await fetchKeySet({ subject: 'the JWKS', url, timeout, unavailable, fetch });
      // Keys that `take` set meanwhile are newer.
      if (thisFetch > this.#currentFetch) this.#use(fetched, thisFetch);
    } catch (error) {
      this.#lastFetchFailed = true;
      throw error;
    } finally {
      this.#triedAt = now();
    }
  }

  #use(keySet: KeySet, fetchNumber: number): void {
    this.#keySet = keySet;
    this.#currentFetch = fetchNumber;
    this.#fetchedAt = this.#dependencies.now();
    this.#lastFetchFailed = false;
  }

  #refreshIfNotified(): void {
    if (!this.#isNotified || this.isFetching || (this.#lastFetchFailed && !this.isPauseOver())) return;
    if (!this.#notifications.spend(1)) return;
    this.#isNotified = false;
    this.refresh().catch(() => {
      this.#isNotified = true; // A later use tries again.
    });
  }

  /** The absolute value, because a clock that was set back must not block fetches until it has caught up. */
  #secondsSince(time: number): number {
    return Math.abs(this.#dependencies.now() - time) / 1000;
  }
}

async function fetchKeySet(exchange: Parameters<typeof fetchJson>[0]): Promise<KeySet> {
  const { status, json } = await fetchJson(exchange);
  if (status !== 200) throw unavailable(`the JWKS was answered with status ${status}`);
  if (typeof json !== 'object' || json === null || !('keys' in json) || !Array.isArray(json.keys)) {
    throw unavailable('the JWKS has no array of keys');
  }
  return keySetOf(json.keys);
}
