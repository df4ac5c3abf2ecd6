import { StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { JWK } from 'jose';
import type { JWKS } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config.ts';
import {
  type KeySchedule,
  type KeyStatus,
  nextChangeAfter,
  publishedKeysAt,
  statusAt,
  withTakeover,
} from './key_schedule.ts';
import { makeKey, readKey, WrongKeyError } from './make_key.ts';

/** Milliseconds after which the store is asked whether another authorization server changed the keys. */
const RECHECK = 1_000;

/** Milliseconds. Longer than gateways wait between the fetches that an unknown key provokes. */
const ANNOUNCE_FOR = 10_000;

/** A key as it may be shown: no private part. Times are epoch milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly status: KeyStatus;
  readonly announcedAt: number;
  readonly signsFrom: number;
  readonly publishedUntil?: number;
}

export interface RotateOptions {
  /** Milliseconds for which the new key is in the JWKS before it signs. Default: 10,000. */
  readonly announceFor?: number;
  /** The private key that takes over, as PEM (PKCS #8) or JWK. Default: a new one. */
  readonly key?: string | JWK;
}

export interface SigningKeys {
  list(): Promise<SigningKey[]>;
  /**
   * Announces a key that will sign, at every authorization server on the store. The one that signs until then stays in
   * the JWKS until the last token that it signed has expired.
   *
   * @throws {WrongKeyError} the given key is not one for the signing algorithm
   * @throws {StoreUnavailableError}
   */
  rotate(options?: RotateOptions): Promise<SigningKey[]>;
}

/** The same keys, as the authorization server uses them. */
export interface KeySource extends SigningKeys {
  /** The private keys that are published now, the one that signs first. */
  jwks(): JWKS;
  /** Takes up what the clock or another authorization server changed. @returns a number that changes with the keys */
  refresh(): number | Promise<number>;
}

/**
 * The keys that sign, shared by every authorization server on one store: the first to start makes them, and they are
 * kept sealed under the servers' secret.
 *
 * @param longestLife tells the seconds that the longest-lived token lives
 * @throws {WrongKeyError} the configured key is not one for the signing algorithm
 * @throws {StoreUnavailableError}
 * @throws {WrongSecretError} the store's keys were made by a server with another secret
 */
export async function openSigningKeys(
  {
    signingAlgorithm,
    signingKey,
    secret,
  }: Pick<AuthorizationServerConfig, 'signingAlgorithm' | 'signingKey' | 'secret'>,
  longestLife: () => number,
  { store, now }: { store: TokenStore; now: () => number },
): Promise<KeySource> {
  const name = `signing-keys:${signingAlgorithm}`;
  const first =
    signingKey === undefined ? await makeKey(signingAlgorithm) : await readKey(signingKey, signingAlgorithm);
  const initial: KeySchedule = [{ kid: first.kid, jwk: first, announcedAt: now(), signsFrom: now() }];
  let text = await store.keepFirst(name, JSON.stringify(initial), secret);
  let schedule = JSON.parse(text) as KeySchedule;
  let version = 0;
  let changesAt = nextChangeAfter(schedule, now());
  let recheckAt = now() + RECHECK;
  let checking: Promise<number> | undefined;

  function take(newText: string): void {
    if (newText !== text) {
      text = newText;
      schedule = JSON.parse(newText) as KeySchedule;
      version += 1;
    } else if (now() >= changesAt) {
      version += 1;
    }
    changesAt = nextChangeAfter(schedule, now());
    recheckAt = now() + RECHECK;
  }

  /** One look at the store serves all the requests that find the keys due at the same moment. */
  function recheck(): Promise<number> {
    checking ??= readAnew().finally(() => {
      checking = undefined;
    });
    return checking;
  }

  async function readAnew(): Promise<number> {
    try {
      take((await store.readKept(name, secret)) ?? text);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      take(text); // The keys that are known go on; what needs the store will say that it is away.
    }
    return version;
  }

  function list(): SigningKey[] {
    return publishedKeysAt(schedule, now()).map((key) => {
      const { jwk: _private, ...shown } = key;
      return { ...shown, status: statusAt(schedule, key, now()) };
    });
  }

  return {
    jwks: () => ({ keys: publishedKeysAt(schedule, now()).map(({ jwk }) => jwk) }) as JWKS,
    refresh: () => (now() < recheckAt && now() < changesAt ? version : recheck()),
    async list() {
      await recheck();
      return list();
    },
    async rotate({ announceFor = ANNOUNCE_FOR, key } = {}) {
      const jwk = key === undefined ? await makeKey(signingAlgorithm) : await readKey(key, signingAlgorithm);
      const takeover = { jwk, now: now(), announceFor, longestLife: longestLife() * 1000 };
      const rotated = (kept: string) => {
        const known = JSON.parse(kept) as KeySchedule;
        if (known.some(({ kid }) => kid === jwk.kid)) throw new WrongKeyError(`a key "${jwk.kid}" is there already`);
        return JSON.stringify(withTakeover(known, takeover));
      };
      take(await store.changeKept(name, secret, rotated));
      return list();
    },
  };
}
