import { isDeepStrictEqual } from 'node:util';
import { SIGNING_KEYS as NAME, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import type { JSONWebKeySet, JWK } from 'jose';
import type { JWKS } from 'oidc-provider';
import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';
import { publicKeysOf } from '../tokens/own_jwt.ts';
import {
  type KeySchedule,
  type KeyStatus,
  nextChangeAfter,
  publishedKeysAt,
  statusAt,
  withLongestLife,
  withRestoredKeys,
  withRotation,
} from './key_schedule.ts';
import { type IdentifiedKey, makeKey, readKey, WrongKeyError } from './make_key.ts';

/** Milliseconds after which the store is asked whether another authorization server changed the keys. */
const RECHECK = 1_000;

/** Milliseconds. Longer than resource servers wait at most between the fetches that an unknown key provokes. */
const ANNOUNCE_FOR = 10_000;

/** The schedule of each algorithm that any authorization server on the store has signed with. */
type Schedules = { readonly [algorithm in SigningAlgorithm]?: KeySchedule };

/** A key as it may be shown: no private part. Times are epoch milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly algorithm: SigningAlgorithm;
  readonly status: KeyStatus;
  readonly announcedAt: number;
  readonly signsFrom: number;
  readonly publishedUntil?: number;
}

export interface RotateOptions {
  /** Milliseconds for which the new key is in the JWKS before it signs. Default: 10,000. */
  readonly announceFor?: number;
  /** Whose key is to change. Default: the algorithm of the authorization server. */
  readonly algorithm?: SigningAlgorithm;
  /** The private key that takes over, as PEM (PKCS #8) or JWK. Default: a new one. */
  readonly key?: string | JWK;
}

export interface SigningKeys {
  /** The keys in the JWKS by algorithm, those of the authorization server's own first, and of each the one that signs. */
  list(): Promise<SigningKey[]>;
  /**
   * Announces a key that will sign, at every authorization server on the store. The one that signs until then stays in
   * the JWKS until the last token that it signed has expired.
   *
   * @throws {WrongKeyError} the given key is not one for the algorithm
   * @throws {StoreUnavailableError}
   */
  rotate(options?: RotateOptions): Promise<SigningKey[]>;
}

/** What an authorization server must be able to sign. */
export interface KeyNeeds {
  readonly algorithms: readonly SigningAlgorithm[];
  /** Seconds that the longest-lived token lives. */
  readonly longestLife: number;
}

/** Keys that can be looked at before they are used. */
export interface PreparedKeys {
  /** The private keys that there will be. */
  readonly jwks: JWKS;
  /** Provides them. @throws {StoreUnavailableError} */
  provide(): Promise<void>;
}

/** The same keys, as the authorization server uses them. */
export interface KeySource extends SigningKeys {
  /** The private keys that are published now, of each algorithm the one that signs first. */
  jwks(): JWKS;
  /** Takes up what the clock or another authorization server changed. @returns a number that changes with the keys */
  refresh(): number | Promise<number>;
  /** Takes up what any authorization server has changed by now. @returns the same as `refresh` */
  reread(): Promise<number>;
  /**
   * Makes keys for algorithms that have none, and keeps those there are for as long as is needed.
   *
   * @throws {StoreUnavailableError}
   */
  provide(needs: KeyNeeds): Promise<void>;
  /** Makes keys for algorithms that have none. Nothing is published or stored before `provide`. */
  prepare(needs: KeyNeeds): Promise<PreparedKeys>;
}

export interface SigningKeysDependencies {
  readonly store: TokenStore;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Is told the public keys whenever they change, before one of the new ones signs anything here. */
  readonly published?: ((jwks: JSONWebKeySet) => void) | undefined;
  /** Is told when the store had lost keys, and gets them again. */
  readonly putBack?: () => void;
}

/**
 * The keys that sign, shared by every authorization server on one store: the first that needs them makes them, and they
 * are kept sealed under the servers' secret. Every server publishes all of them, also those that only others sign with.
 *
 * @param needs tells what this server signs, as it is configured at the time
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
  needs: () => KeyNeeds,
  { store, now, published: tellPublished = () => {}, putBack: tellPutBack = () => {} }: SigningKeysDependencies,
): Promise<KeySource> {
  const configured = signingKey === undefined ? undefined : await readKey(signingKey, signingAlgorithm);
  let text = await store.keepFirst(NAME, '{}', secret);
  let schedules = JSON.parse(text) as Schedules;
  let version = 0;
  let changesAt = nextChange(schedules, now());
  let recheckAt = now() + RECHECK;
  let checking: Promise<number> | undefined;
  let checkingAgain: Promise<number> | undefined;
  await provide(needs());

  function take(newText: string): void {
    if (newText !== text) {
      text = newText;
      schedules = JSON.parse(newText) as Schedules;
      version += 1;
      tellPublished(publicKeysOf({ keys: published().map(({ key }) => key.jwk) }));
    } else if (now() >= changesAt) {
      version += 1;
    }
    changesAt = nextChange(schedules, now());
    recheckAt = now() + RECHECK;
  }

  /** One look at the store serves all the requests that find the keys due at the same moment. */
  function recheck(): Promise<number> {
    checking ??= readAnew().finally(() => {
      checking = undefined;
    });
    return checking;
  }

  /** The look that is under way may have come too early for what is asked for. */
  function reread(): Promise<number> {
    if (checking === undefined) return recheck();
    const again = () => {
      checkingAgain = undefined;
      return recheck();
    };
    checkingAgain ??= checking.then(again, again);
    return checkingAgain;
  }

  async function readAnew(): Promise<number> {
    try {
      take(await putBackLost(await store.readKept(NAME, secret)));
      await provide(needs()); // A server with shorter-lived tokens may have made the key that signs from now on.
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      take(text); // The keys that are known go on; what needs the store will say that it is away.
    }
    return version;
  }

  /** What this server knows and the store has lost, as a Redis that evicts keys loses it, goes back there. */
  async function putBackLost(kept: string | undefined): Promise<string> {
    if (kept === text) return kept;
    if (withAllLost(kept) === kept) return kept;
    tellPutBack();
    return changeKept(withAllLost);
  }

  function withAllLost(kept: string | undefined): string {
    if (kept === undefined) return text;
    const known = JSON.parse(kept) as Schedules;
    const lost = mapValues(schedules, (schedule, algorithm) =>
      withRestoredKeys(known[algorithm] ?? [], schedule, now()),
    );
    const all = { ...known, ...lost };
    return isDeepStrictEqual(all, known) ? kept : JSON.stringify(all);
  }

  /** Where the store has nothing to change, it gets what this server knows first. */
  async function changeKept(change: (kept: string) => string): Promise<string> {
    await store.keepFirst(NAME, text, secret);
    return store.changeKept(NAME, secret, change);
  }

  async function provide(needed: KeyNeeds): Promise<void> {
    await (await prepare(needed)).provide();
  }

  async function prepare({ algorithms, longestLife }: KeyNeeds): Promise<PreparedKeys> {
    const missing = algorithms.filter((algorithm) => schedules[algorithm] === undefined);
    const made = await Promise.all(missing.map(async (algorithm) => [algorithm, await firstKey(algorithm)] as const));
    const provided = (known: Schedules): Schedules => {
      const lasting = mapValues(known, (schedule) => withLongestLife(schedule, longestLife * 1000, now()));
      const first = made.map(([algorithm, jwk]) => [algorithm, takenOver([], jwk, { announceFor: 0, longestLife })]);
      return { ...Object.fromEntries(first), ...lasting };
    };
    return {
      jwks: jwksOf([...published().map(({ key }) => key.jwk), ...made.map(([, jwk]) => jwk)]),
      async provide() {
        if (isDeepStrictEqual(provided(schedules), schedules)) return;
        take(await changeKept((kept) => JSON.stringify(provided(JSON.parse(withAllLost(kept)) as Schedules))));
      },
    };
  }

  async function firstKey(algorithm: SigningAlgorithm): Promise<IdentifiedKey> {
    return configured !== undefined && algorithm === signingAlgorithm ? configured : makeKey(algorithm);
  }

  function takenOver(
    schedule: KeySchedule,
    jwk: IdentifiedKey,
    { announceFor, longestLife }: { announceFor: number; longestLife: number },
  ): KeySchedule {
    return withRotation(schedule, { jwk, now: now(), announceFor, longestLife: longestLife * 1000 });
  }

  function published() {
    const algorithms = new Set([signingAlgorithm, ...(Object.keys(schedules) as SigningAlgorithm[])]);
    return [...algorithms].flatMap((algorithm) => {
      const schedule = schedules[algorithm] ?? [];
      return publishedKeysAt(schedule, now()).map((key) => ({
        algorithm,
        key,
        status: statusAt(schedule, key, now()),
      }));
    });
  }

  function list(): SigningKey[] {
    return published().map(({ algorithm, key, status }) => {
      const { jwk: _private, longestLife: _own, ...shown } = key;
      return { ...shown, algorithm, status };
    });
  }

  return {
    jwks: () => jwksOf(published().map(({ key }) => key.jwk)),
    refresh: () => (now() < recheckAt && now() < changesAt ? version : recheck()),
    reread,
    provide,
    prepare,
    async list() {
      await reread();
      return list();
    },
    async rotate({ announceFor = ANNOUNCE_FOR, algorithm = signingAlgorithm, key } = {}) {
      const jwk = key === undefined ? await makeKey(algorithm) : await readKey(key, algorithm);
      const rotated = (kept: string) => {
        const known = JSON.parse(withAllLost(kept)) as Schedules;
        if (Object.values(known).some((schedule) => schedule.some(({ kid }) => kid === jwk.kid)))
          throw new WrongKeyError(`a key "${jwk.kid}" is there already`);
        const { longestLife } = needs();
        return JSON.stringify({
          ...known,
          [algorithm]: takenOver(known[algorithm] ?? [], jwk, { announceFor, longestLife }),
        });
      };
      take(await changeKept(rotated));
      return list();
    },
  };
}

function jwksOf(keys: JWK[]): JWKS {
  return { keys } as JWKS;
}

function nextChange(schedules: Schedules, now: number): number {
  return Math.min(...Object.values(schedules).map((schedule) => nextChangeAfter(schedule, now)));
}

function mapValues(
  schedules: Schedules,
  change: (schedule: KeySchedule, algorithm: SigningAlgorithm) => KeySchedule,
): Schedules {
  return Object.fromEntries(
    Object.entries(schedules).map(([algorithm, schedule]) => [
      algorithm,
      change(schedule, algorithm as SigningAlgorithm),
    ]),
  );
}
