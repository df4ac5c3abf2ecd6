import type { Log } from '@tallystick/common';
import type { SharedAnswers } from '@tallystick/token-store';
import { causeCode } from '../http/errors.ts';
import type { Candidate } from './resolver.ts';

/**
 * The second level of the cache, which gateways on one store share, for phantom tokens. What lies there is sealed under the
 * client-held token, and is a candidate only: it is validated like any. It helps, and is never needed: when the store
 * fails, it is as if nothing were there.
 */
export interface SharedLevel {
  find(partition: string, token: string): Promise<Candidate | undefined>;
  /**
   * Keeps a JWT that was validated, unless the token was revoked meanwhile. Nobody waits for it.
   *
   * @param exp epoch seconds
   */
  keep(partition: string, token: string, candidate: Candidate, exp: number): void;
}

export interface SharedLevelOptions {
  /** Seconds that an entry is usable, at most. */
  readonly maxAge: number;
}

export interface SharedLevelDependencies {
  readonly answers: SharedAnswers;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Milliseconds after which it is quicker to ask the authorization server. */
const patience = 250;

/** What is sealed. */
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
      const value = await withinPatience(answers.find(token)).catch(warn);
      const entry = value === undefined ? undefined : parse(value);
      // A token that is for two APIs is kept for the one that it was last used at.
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

function withinPatience<T>(asking: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout;
  const givingUp = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patience, undefined);
  });
  return Promise.race([asking, givingUp]).finally(() => clearTimeout(timer));
}

/** Only who holds the token can have sealed it, and clients are not trusted either. */
function parse(value: string): Entry | undefined {
  try {
    const { partition, jwt, maker, usableUntil } = JSON.parse(value) as Record<keyof Entry, unknown>;
    if (typeof jwt !== 'string' || typeof partition !== 'string' || typeof usableUntil !== 'number') return undefined;
    return { partition, jwt, usableUntil, maker: maker === 'gateway' ? maker : undefined };
  } catch {
    return undefined;
  }
}
