import { type CryptoKey, createLocalJWKSet, errors, flattenedVerify, type JWK, type JWTVerifyGetKey } from 'jose';
import { fetchJson } from '../fetch_json.ts';
import { createBudget } from './budget.ts';
import { JwksError } from './jwks_error.ts';
import { createUnknownKeys } from './unknown_keys.ts';

/** Options of {@link createJwksClient}. */
export interface JwksClientOptions {
  /** Where the authorization server publishes its keys (`jwks_uri`, RFC 8414 section 2). */
  readonly uri: string;
  /** Milliseconds one fetch may take; 3000 by default. */
  readonly timeout?: number;
  /** Seconds after which the next use fetches the keys anew in the background; 300 by default. */
  readonly refreshInterval?: number;
  /**
   * Seconds after which a token with an unknown `kid` may provoke a fetch in any case; 5 by default. Sooner, it may as long
   * as few different ones are unknown: then all of them share a fetch that begins at once.
   */
  readonly cooldown?: number;
}

/** What {@link createJwksClient} needs from outside. */
export interface JwksClientDependencies {
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The authorization server's public keys, kept fresh by use. */
export interface JwksClient {
  /**
   * The key that a token names, for jose's `jwtVerify`. Where it names none, or several have the name: of the first 16 that fit its
   * algorithm, the one that verifies it.
   *
   * @throws {JwksError} `unknown_key` when the authorization server has no such key; `unavailable` when it could not be asked
   */
  getKey(...asked: Parameters<JWTVerifyGetKey>): Promise<Awaited<ReturnType<JWTVerifyGetKey>>>;
  /** Whether the current set has one key of this `kid`; false before the first fetch, and when several have it. */
  has(kid: string): boolean;
  /**
   * Fetches the keys now, or joins the fetch that is under way.
   *
   * @throws {JwksError} `unavailable` when it fails; the keys that were there stay
   */
  refresh(): Promise<void>;
  /**
   * Is told that the authorization server has other keys from now on, and fetches them in the background. However often it
   * is told, it fetches a few times at once and then once a second; the last time it was told is never lost.
   */
  changed(): void;
  /**
   * Takes keys that somebody knows without a fetch, such as the authorization server in the same process: the whole set, as
   * it is published (RFC 7517 section 5). A fetch that is under way brings nothing newer, and is ignored.
   */
  take(jwks: { readonly keys: readonly unknown[] }): void;
}

/** Seconds between attempts after a failed one: soon enough to recover by itself, too seldom to hammer a struggling server. */
const pauseAfterFailure = 1;

/** How many fetches those who tell of changed keys may provoke at once; each second allows one more. */
const toldAtOnce = 4;

interface KeySet {
  readonly getKey: JWTVerifyGetKey;
  /** Number of keys by `kid`. */
  readonly kids: ReadonlyMap<string, number>;
}

/** As many keys as are tried on a token that does not say which one signed it. Each is work for whoever sends one. */
const maximumCandidates = 16;

/**
 * Keeps the public keys of an authorization server (RFC 7517 section 5), fetched over HTTP.
 *
 * Nothing is fetched before the first use, and no timer runs: keys older than `refreshInterval` are served while their
 * successors are fetched. A failed fetch never loses keys: those of a server that is down keep working. A key is only
 * called unknown after a fetch that began when the token was there, unless tokens with ever other unknown keys flood in.
 */
export function createJwksClient(options: JwksClientOptions, dependencies: JwksClientDependencies = {}): JwksClient {
  const { uri, timeout = 3000, refreshInterval = 300, cooldown = 5 } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = dependencies;

  let current: KeySet | undefined;
  let fetching: Promise<void> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let lastFetchFailed = false;
  let isTold = false;
  /** How often a fetch began, and when of these the one that brought the current keys did. */
  let begun = 0;
  let currentBegan = 0;
  const unknownKeys = createUnknownKeys({ cooldown, now });
  const told = createBudget({ capacity: toldAtOnce, interval: 1, now });

  // A clock that was set back must not keep new keys out until it has caught up.
  const secondsSince = (moment: number) => Math.abs(now() - moment) / 1000;
  const hasRested = () => secondsSince(triedAt) >= (lastFetchFailed ? Math.min(cooldown, pauseAfterFailure) : cooldown);

  async function fetchKeys(): Promise<void> {
    begun += 1;
    const began = begun;
    try {
      const fetched = await fetchKeySet({ subject: 'the JWKS', url: uri, timeout, unavailable, fetch });
      // What was taken meanwhile is newer.
      if (began > currentBegan) use(fetched, began);
    } catch (error) {
      lastFetchFailed = true;
      throw error;
    } finally {
      triedAt = now();
    }
  }

  function use(keySet: KeySet, began: number): void {
    current = keySet;
    currentBegan = began;
    fetchedAt = now();
    lastFetchFailed = false;
  }

  function refresh(): Promise<void> {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
      refreshWhenTold(); // What was told meanwhile may be newer than what was fetched.
    });
    return fetching;
  }

  function refreshWhenTold(): void {
    if (!isTold || fetching !== undefined || (lastFetchFailed && !hasRested()) || !told.spend(1)) return;
    isTold = false;
    refresh().catch(() => {
      isTold = true; // A later use tries again.
    });
  }

  function refreshWhenOld(): void {
    refreshWhenTold();
    if (current === undefined || secondsSince(fetchedAt) < refreshInterval || !hasRested()) return;
    // Ignored because nobody waits for it: the old keys serve on, and a later use tries again.
    refresh().catch(() => {});
  }

  /** Asks again for a key that the set lacks. @param came how many fetches had begun when the token came */
  async function search(kid: string, came: number): Promise<void> {
    unknownKeys.await(kid);
    try {
      // The first fetch may have been under way already.
      while (currentBegan <= came && !current?.kids.has(kid)) {
        if (fetching === undefined && !mayFetchFor(kid)) return;
        await refresh();
      }
    } finally {
      const shown = currentBegan > came ? 'missing' : 'undecided';
      unknownKeys.settle(kid, current?.kids.has(kid) ? 'found' : shown);
    }
  }

  function mayFetchFor(kid: string): boolean {
    if (hasRested()) return true;
    if (lastFetchFailed) throw unavailable('the JWKS could not be reached');
    return unknownKeys.mayFetch(kid);
  }

  const getKey: JwksClient['getKey'] = async (header, token) => {
    refreshWhenOld();
    const came = begun;
    if (current === undefined) await refresh();
    const known = await findKey(current, header, token);
    if (known !== undefined) return known;

    // A kid that is there but does not fit the token's alg is the token's fault: no fetch would mend it.
    const { kid } = header;
    if (kid === undefined || !current?.kids.has(kid)) await search(kid ?? '', came);
    const found = await findKey(current, header, token);
    if (found === undefined) throw new JwksError('unknown_key', 'the token is signed with an unknown key');
    return found;
  };

  function has(kid: string): boolean {
    refreshWhenOld();
    return current?.kids.get(kid) === 1;
  }

  function changed(): void {
    isTold = true;
    refreshWhenTold();
  }

  function take(jwks: { readonly keys: readonly unknown[] }): void {
    begun += 1;
    use(keySetOf(jwks.keys), begun);
  }

  return { getKey, has, refresh, changed, take };
}

function unavailable(message: string, options?: { readonly cause?: unknown }): JwksError {
  return new JwksError('unavailable', message, options);
}

async function fetchKeySet(exchange: Parameters<typeof fetchJson>[0]): Promise<KeySet> {
  const { status, json } = await fetchJson(exchange);
  if (status !== 200) throw unavailable(`the JWKS was answered with status ${status}`);
  if (typeof json !== 'object' || json === null || !('keys' in json) || !Array.isArray(json.keys)) {
    throw unavailable('the JWKS has no array of keys');
  }
  return keySetOf(json.keys);
}

function keySetOf(published: readonly unknown[]): KeySet {
  const keys = published.filter(isPublicKey);
  const kids = new Map<string, number>();
  for (const { kid } of keys) {
    if (typeof kid === 'string') kids.set(kid, (kids.get(kid) ?? 0) + 1);
  }
  return { getKey: createLocalJWKSet({ keys }), kids };
}

/** RFC 7517 section 5: members of a set that are not understood are ignored. So are secrets, which have no business there. */
function isPublicKey(jwk: unknown): jwk is JWK {
  return (
    typeof jwk === 'object' &&
    jwk !== null &&
    'kty' in jwk &&
    typeof jwk.kty === 'string' &&
    jwk.kty !== 'oct' &&
    !('d' in jwk) &&
    !('priv' in jwk)
  );
}

/** @returns the key for a token, or undefined when the set has none. */
async function findKey(keySet: KeySet | undefined, ...[header, token]: Parameters<JWTVerifyGetKey>) {
  try {
    const key = await keySet?.getKey(header, token);
    // A token that names no key may be signed with one that is not here yet, though one that is here would fit.
    return header.kid !== undefined || key === undefined || (await verifies(token, key)) ? key : undefined;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    if (error instanceof errors.JWKSMultipleMatchingKeys) return firstThatVerifies(token, error);
    if (error instanceof errors.JOSENotSupported) {
      throw new JwksError('unknown_algorithm', "the token's signing algorithm is not accepted");
    }
    throw unavailable('the JWKS holds an unusable key', { cause: error });
  }
}

type Token = Parameters<JWTVerifyGetKey>[1];

async function firstThatVerifies(token: Token, candidates: AsyncIterable<CryptoKey>): Promise<CryptoKey | undefined> {
  let tried = 0;
  for await (const key of candidates) {
    if (await verifies(token, key)) return key;
    tried += 1;
    if (tried === maximumCandidates) return undefined;
  }
  return undefined;
}

async function verifies(token: Token, key: Parameters<typeof flattenedVerify>[1]): Promise<boolean> {
  try {
    await flattenedVerify(token, key as CryptoKey);
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    // A key that is unfit, such as an RSA key that is too short, is for the verification that follows to tell.
    return true;
  }
}
