import { createLocalJWKSet, errors, type JWK, type JWTVerifyGetKey } from 'jose';
import { AccessTokenError, ValidationUnavailableError } from './errors.ts';
import { fetchJson } from './fetch_json.ts';
import { requireFunction, requireHttpUrl, requireNumber } from './options.ts';

/** Options of {@link createRemoteJwks}. */
export interface RemoteJwksOptions {
  /** Where the authorization server publishes its keys (`jwks_uri`, RFC 8414 section 2). */
  readonly uri: string;
  /** Milliseconds one fetch may take; 3000 by default. */
  readonly timeout?: number;
  /** Seconds after which the next use fetches the keys anew in the background; 300 by default. */
  readonly refreshInterval?: number;
  /** Seconds between fetches that tokens with an unknown `kid` may provoke; 5 by default. */
  readonly cooldown?: number;
}

/** The world around {@link createRemoteJwks}. */
export interface RemoteJwksDependencies {
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** The authorization server's public keys, kept fresh by use. */
export interface RemoteJwks {
  /**
   * The key that a token names, for jose's `jwtVerify`.
   *
   * @throws AccessTokenError `invalid_token` when the authorization server has no such key.
   * @throws ValidationUnavailableError when it could not be asked.
   */
  readonly getKey: JWTVerifyGetKey;
  /** Whether the current set has a key of this `kid`; false before the first fetch. */
  has(kid: string): boolean;
  /**
   * Fetches the keys now, or joins the fetch that is under way.
   *
   * @throws ValidationUnavailableError when it fails; the keys that were there stay.
   */
  refresh(): Promise<void>;
}

/** Seconds between attempts after a failed one: soon enough to recover by itself, too seldom to hammer a struggling server. */
const pauseAfterFailure = 1;

interface KeySet {
  readonly getKey: JWTVerifyGetKey;
  readonly kids: ReadonlySet<string>;
}

/**
 * Keeps the public keys of an authorization server (RFC 7517 section 5), fetched over HTTP.
 *
 * Nothing is fetched before the first use, and no timer runs: keys older than `refreshInterval` are served while their
 * successors are fetched. A failed fetch never loses keys: those of a server that is down keep working.
 *
 * @throws TypeError for a badly typed option.
 * @example
 * ```ts
 * const jwks = createRemoteJwks({ uri: 'https://login.example.com/jwks' });
 * const validator = createJwtValidator({ issuer, audience }, { jwks });
 * ```
 */
export function createRemoteJwks(options: RemoteJwksOptions, dependencies: RemoteJwksDependencies = {}): RemoteJwks {
  const { uri, timeout = 3000, refreshInterval = 300, cooldown = 5 } = options;
  const { fetch = globalThis.fetch, now = () => Date.now() } = dependencies;
  requireHttpUrl('uri', uri);
  requireNumber('timeout', timeout, 1);
  requireNumber('refreshInterval', refreshInterval, 0);
  requireNumber('cooldown', cooldown, 0);
  requireFunction('fetch', fetch);
  requireFunction('now', now);

  let current: KeySet | undefined;
  let fetching: Promise<void> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let lastFetchFailed = false;

  // A clock that was set back must not keep new keys out until it has caught up.
  const secondsSince = (moment: number) => Math.abs(now() - moment) / 1000;
  const mayFetchAgain = () =>
    secondsSince(triedAt) >= (lastFetchFailed ? Math.min(cooldown, pauseAfterFailure) : cooldown);

  async function fetchKeys(): Promise<void> {
    try {
      current = await fetchKeySet({ subject: 'the JWKS', url: uri, timeout, fetch });
      fetchedAt = now();
      lastFetchFailed = false;
    } catch (error) {
      lastFetchFailed = true;
      throw error;
    } finally {
      triedAt = now();
    }
  }

  function refresh(): Promise<void> {
    fetching ??= fetchKeys().finally(() => {
      fetching = undefined;
    });
    return fetching;
  }

  function refreshWhenOld(): void {
    if (current === undefined || secondsSince(fetchedAt) < refreshInterval || !mayFetchAgain()) return;
    // Ignored because nobody waits for it: the old keys serve on, and a later use tries again.
    refresh().catch(() => {});
  }

  /** Asks again for a key that the set lacks, as often as the cooldown allows. */
  async function refreshForUnknownKey(): Promise<void> {
    if (fetching !== undefined || mayFetchAgain()) return refresh();
    if (lastFetchFailed) throw new ValidationUnavailableError('the JWKS could not be reached');
  }

  const getKey: JWTVerifyGetKey = async (header, token) => {
    refreshWhenOld();
    if (current === undefined) await refresh();
    const known = await findKey(current, header, token);
    if (known !== undefined) return known;

    // A kid that is there but does not fit the token's alg is the token's fault: no fetch would mend it.
    const { kid } = header;
    if (kid === undefined || !current?.kids.has(kid)) await refreshForUnknownKey();
    const found = await findKey(current, header, token);
    if (found === undefined) throw new AccessTokenError('invalid_token', 'the token is signed with an unknown key');
    return found;
  };

  function has(kid: string): boolean {
    refreshWhenOld();
    return current?.kids.has(kid) ?? false;
  }

  return { getKey, has, refresh };
}

async function fetchKeySet(exchange: Parameters<typeof fetchJson>[0]): Promise<KeySet> {
  const { status, json } = await fetchJson(exchange);
  if (status !== 200) throw new ValidationUnavailableError(`the JWKS was answered with status ${status}`);
  if (typeof json !== 'object' || json === null || !('keys' in json) || !Array.isArray(json.keys)) {
    throw new ValidationUnavailableError('the JWKS has no array of keys');
  }
  const keys = json.keys.filter(isPublicKey);
  const kids = new Set(keys.flatMap(({ kid }) => (typeof kid === 'string' ? kid : [])));
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
    return await keySet?.getKey(header, token);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    if (error instanceof errors.JWKSMultipleMatchingKeys) {
      throw new AccessTokenError('invalid_token', 'the token does not say which key signed it');
    }
    if (error instanceof errors.JOSENotSupported) {
      throw new AccessTokenError('invalid_token', "the token's signing algorithm is not accepted");
    }
    throw new ValidationUnavailableError('the JWKS holds an unusable key', { cause: error });
  }
}
