import { isDeepStrictEqual } from 'node:util';
import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { JSONWebKeySet, JWK } from 'jose';
import type { JWKS } from 'oidc-provider';
import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';
import { publicKeysOf } from '../tokens/own_jwt.ts';
import { type KeyStatus, type Rotation, withLongestLife, withRotation } from './key_schedule.ts';
import { type IdentifiedKey, makeKey, readKey, WrongKeyError } from './make_key.ts';
import {
  mapSchedules,
  openStoredSchedules,
  publishedKeys,
  type Schedules,
  type StoredSchedules,
} from './stored_schedules.ts';

/** Milliseconds. Longer than the interval at which resource servers fetch the JWKS for an unknown key. */
const ANNOUNCE_FOR = 10_000;

/** The public description of a key. Times are epoch milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly status: KeyStatus;
  readonly announcedAt: number;
  readonly signsFrom: number;
  readonly publishedUntil?: number;
}

export interface RotateOptions {
  /** Milliseconds that the new key is in the JWKS before it signs. Default: 10,000. */
  readonly announceFor?: number;
  /** The algorithm whose key is rotated. Default: the algorithm of the authorization server. */
  readonly algorithm?: SigningAlgorithm;
  /** The new private key, as PEM (PKCS #8) or JWK. Default: a generated one. */
  readonly key?: string | JWK;
}

export interface SigningKeys {
  /** The keys in the JWKS: those of the server's own algorithm first, and for each algorithm the one that signs first. */
  list(): Promise<SigningKey[]>;
  /**
   * Announces a new signing key to every authorization server on the store. The current key stays in the JWKS until the
   * last token that it signed has expired.
   *
   * @throws {WrongKeyError} the given key does not fit the algorithm
   * @throws {StoreUnavailableError}
   */
  rotate(options?: RotateOptions): Promise<SigningKey[]>;
}

/** The keys that an authorization server needs. */
export interface KeyNeeds {
  readonly algorithms: readonly SigningAlgorithm[];
  /** Lifetime of the longest-lived token, in seconds. */
  readonly longestLife: number;
}

/** Keys for a configuration that is not in use yet. */
export interface PreparedKeys {
  /** The private keys, including the new ones. */
  readonly jwks: JWKS;
  /** Stores the new keys. @throws {StoreUnavailableError} */
  provide(): Promise<void>;
}

/** The signing keys with their private parts, for the authorization server itself. */
export interface KeySource extends SigningKeys {
  /** The private keys that are published now, for each algorithm the one that signs first. */
  jwks(): JWKS;
  /** Reloads the keys if that is due. @returns a number that changes with the keys */
  refresh(): number | Promise<number>;
  /** Reloads the keys, with every change that is in the store at the time of the call. @returns the same as `refresh` */
  reread(): Promise<number>;
  /**
   * Makes keys for algorithms that have none, and keeps existing keys published for as long as their tokens live.
   *
   * @throws {StoreUnavailableError}
   */
  provide(needs: KeyNeeds): Promise<void>;
  /** Makes keys for algorithms that have none. Publishes and stores nothing before `PreparedKeys.provide`. */
  prepare(needs: KeyNeeds): Promise<PreparedKeys>;
}

export interface SigningKeysDependencies {
  readonly store: TokenStore;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** Called with the public keys when they change, before this server signs anything with a new one. */
  readonly onPublish?: ((jwks: JSONWebKeySet) => void) | undefined;
  /** Called when the store has lost keys, before they are restored. */
  readonly onRestore?: () => void;
}

/**
 * Opens the signing keys that all authorization servers on a store share. The first server that needs a key makes it. Each
 * server publishes all keys, including those that only other servers sign with.
 *
 * @param needs returns what this server needs, with its configuration at the time of the call
 * @throws {WrongKeyError} the configured key does not fit the signing algorithm
 * @throws {StoreUnavailableError}
 * @throws {WrongSecretError} a server with another secret made the keys in the store
 */
export async function openSigningKeys(
  {
    signingAlgorithm,
    signingKey,
    secret,
  }: Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'signingKey' | 'secret'>,
  needs: () => KeyNeeds,
  { store, now, onPublish = () => {}, onRestore = () => {} }: SigningKeysDependencies,
): Promise<KeySource> {
  const configured = signingKey === undefined ? undefined : await readKey(signingKey, signingAlgorithm);
  const onChange = () => onPublish(publicKeysOf(jwks()));
  const stored = await openStoredSchedules({ store, secret, now, onChange, onRestore });
  const reloads = createReloads(reload);
  const firstKey = async (algorithm: SigningAlgorithm) =>
    configured !== undefined && algorithm === signingAlgorithm ? configured : makeKey(algorithm);
  const prepare = createPreparation({ stored, jwks, firstKey, now });
  const provide = async (needed: KeyNeeds) => (await prepare(needed)).provide();
  await provide(needs());

  function published() {
    return publishedKeys(stored.current(), signingAlgorithm, now());
  }

  function jwks(): JWKS {
    return { keys: published().map(({ key }) => key.jwk) } as JWKS;
  }

  function list(): SigningKey[] {
    return published().map(({ algorithm, key, status }) => {
      const { jwk: _private, longestLife: _internal, ...shown } = key;
      return { ...shown, algorithm, status };
    });
  }

  async function reload(): Promise<number> {
    try {
      await stored.reload();
      await provide(needs()); // The key that signs next may be from a server with shorter-lived tokens.
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      stored.keep(); // Signing continues with the known keys. A request that needs the store reports that it is unavailable.
    }
    return stored.version();
  }

  async function rotate({ announceFor = ANNOUNCE_FOR, algorithm = signingAlgorithm, key }: RotateOptions = {}) {
    const jwk = key === undefined ? await makeKey(algorithm) : await readKey(key, algorithm);
    await stored.change((known) => {
      const longestLife = needs().longestLife * 1000;
      return rotated(known, algorithm, { jwk, now: now(), announceFor, longestLife });
    });
    return list();
  }

  return {
    jwks,
    refresh: () => (stored.isDue() ? reloads.join() : stored.version()),
    reread: reloads.next,
    provide,
    prepare,
    async list() {
      await reloads.next();
      return list();
    },
    rotate,
  };
}

interface PreparationDependencies {
  readonly stored: StoredSchedules;
  readonly jwks: () => JWKS;
  /** Makes the first key of an algorithm. */
  readonly firstKey: (algorithm: SigningAlgorithm) => Promise<IdentifiedKey>;
  readonly now: () => number;
}

/** Creates the function that makes missing keys, and stores them when the caller decides so. */
function createPreparation({ stored, jwks, firstKey, now }: PreparationDependencies): KeySource['prepare'] {
  return async ({ algorithms, longestLife }) => {
    const missing = algorithms.filter((algorithm) => stored.current()[algorithm] === undefined);
    const made = await Promise.all(missing.map(async (algorithm) => [algorithm, await firstKey(algorithm)] as const));
    const provided = (known: Schedules): Schedules => ({
      ...firstSchedules(made, { longestLife: longestLife * 1000, now: now() }),
      ...mapSchedules(known, (schedule) => withLongestLife(schedule, longestLife * 1000, now())),
    });
    return {
      jwks: { keys: [...jwks().keys, ...made.map(([, jwk]) => jwk)] } as JWKS,
      async provide() {
        if (!isDeepStrictEqual(provided(stored.current()), stored.current())) await stored.change(provided);
      },
    };
  };
}

/** @throws {WrongKeyError} the JWKS already has the new key */
function rotated(known: Schedules, algorithm: SigningAlgorithm, rotation: Rotation): Schedules {
  const { kid } = rotation.jwk;
  if (Object.values(known).some((schedule) => schedule.some((key) => key.kid === kid)))
    throw new WrongKeyError(`duplicate key: the JWKS already has a key with the kid "${kid}"`);
  return { ...known, [algorithm]: withRotation(known[algorithm] ?? [], rotation) };
}

/** Schedules for algorithms that had no key. Their keys sign at once. */
function firstSchedules(
  keys: readonly (readonly [SigningAlgorithm, IdentifiedKey])[],
  { longestLife, now }: { readonly longestLife: number; readonly now: number },
): Schedules {
  return Object.fromEntries(
    keys.map(([algorithm, jwk]) => [algorithm, withRotation([], { jwk, now, announceFor: 0, longestLife })]),
  );
}

/** Runs one reload at a time: requests at the same moment share it. */
function createReloads(reload: () => Promise<number>) {
  let inFlight: Promise<number> | undefined;
  let following: Promise<number> | undefined;

  function join(): Promise<number> {
    inFlight ??= reload().finally(() => {
      inFlight = undefined;
    });
    return inFlight;
  }

  /** A reload that begins after this call. One in flight may have read the store before the change that the caller needs. */
  function next(): Promise<number> {
    if (inFlight === undefined) return join();
    const start = () => {
      following = undefined;
      return join();
    };
    following ??= inFlight.then(start, start);
    return following;
  }

  return { join, next };
}
