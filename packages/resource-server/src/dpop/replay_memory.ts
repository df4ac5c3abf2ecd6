import { ValidationUnavailableError } from '../errors.ts';

/**
 * Records a name as used.
 *
 * @param expiresIn whole seconds for which the name stays used
 * @returns true for the first use, false for a repeated one
 * @throws ValidationUnavailableError when the record is not available
 */
export type UseOnce = (name: string, expiresIn: number) => Promise<boolean>;

/**
 * Records used proofs in this process. Each process has its own record, so each accepts a proof once.
 *
 * @param maxEntries the limit of entries. Past it no entry is dropped early; the next proof gets 503
 * @param now epoch milliseconds
 */
export function createReplayMemory({ maxEntries }: { maxEntries: number }, { now }: { now: () => number }): UseOnce {
  /** Expiry in epoch milliseconds, by name. The oldest is first, because all entries live for about the same time. */
  const used = new Map<string, number>();

  function dropExpired(time: number): void {
    for (const [name, expiresAt] of used) {
      if (expiresAt > time) return;
      used.delete(name);
    }
  }

  return async (name, expiresIn) => {
    const time = now();
    dropExpired(time);
    if ((used.get(name) ?? 0) > time) return false;
    if (used.size >= maxEntries) throw new ValidationUnavailableError('too many DPoP proofs to remember');
    used.delete(name);
    used.set(name, time + expiresIn * 1000);
    return true;
  };
}
