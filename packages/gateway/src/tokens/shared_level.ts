import type { Log } from '@tallystick/common';
import type { SharedAnswers } from '@tallystick/token-store';
import { causeCode } from '../http/errors.ts';
import type { Candidate } from './resolver.ts';

/**
 * The second level of the cache, for phantom tokens, shared by the gateways on one store. Its entries are sealed under the
 * client-held token. They are candidates, and are validated like every candidate. It is optional: when the store fails, the lookup
 * goes on as if there were no entry.
 */
export interface SharedLevel {
  find(partition: string, token: string): Promise<Candidate | undefined>;
  /**
   * Stores a validated JWT in the background, unless the token was revoked meanwhile.
   *
   * @param exp epoch seconds
   */
  keep(partition: string, token: string, candidate: Candidate, exp: number): void;
}

export interface SharedLevelOptions {
  /** Maximum lifetime of an entry, in seconds. */
  readonly maxAge: number;
}

export interface SharedLevelDependencies {
  readonly answers: SharedAnswers;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Milliseconds to wait for the store. After that, asking the authorization server is quicker. */
const TIMEOUT = 250;

/** The sealed content. */
interface Entry {
  readonly partition: string;
  readonly jwt: string;
  readonly maker?: 'gateway' | undefined;
  /** Epoch milliseconds. */
  readonly usableUntil: number;
}

export function createSharedLevel({ maxAge }: SharedLevelOptions, dependencies: SharedLevelDependencies): SharedLevel {
  const { answers, log, now } = dependencies;

  function warn(error: unknown): undefined {
    log.debug({ cause: causeCode(error) }, 'the shared cache could not be used');
  }

  return {
    async find(partition, token) {
      const value = await withTimeout(answers.find(token)).catch(warn);
      const entry = value === undefined ? undefined : parse(value);
      // There is one entry per token. A token for two APIs is kept for the API that it was last used at.
      if (entry === undefined || entry.partition !== partition || entry.usableUntil <= now()) return undefined;
      const { jwt, maker, usableUntil } = entry;
      return { jwt, source: 'store', ...(maker && { maker }), maxAge: (usableUntil - now()) / 1000 };
    },
    keep(partition, token, { jwt, maker, maxAge: allowed }, exp) {
      const seconds = Math.floor(Math.min(maxAge, allowed, exp - now() / 1000));
      if (seconds < 1) return;
      const entry: Entry = { partition, jwt, maker, usableUntil: now() + seconds * 1000 };
      answers.put(token, JSON.stringify(entry), seconds).catch(warn);
    },
  };
}

function withTimeout<T>(lookup: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout;
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, TIMEOUT, undefined);
  });
  return Promise.race([lookup, timeout]).finally(() => clearTimeout(timer));
}

/** Any holder of the token can have sealed the value, a client too, so it is checked. */
function parse(value: string): Entry | undefined {
  try {
    const { partition, jwt, maker, usableUntil } = JSON.parse(value) as Record<keyof Entry, unknown>;
    if (typeof jwt !== 'string' || typeof partition !== 'string' || typeof usableUntil !== 'number') return undefined;
    return { partition, jwt, usableUntil, maker: maker === 'gateway' ? maker : undefined };
  } catch {
    return undefined;
  }
}
