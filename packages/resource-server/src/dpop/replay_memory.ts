import { ValidationUnavailableError } from '../errors.ts';

/**
 * Uses a name up.
 *
 * @param expiresIn whole seconds for which it stays used
 * @returns whether it had not been used
 * @throws ValidationUnavailableError when that could not be found out
 */
export type UseOnce = (name: string, expiresIn: number) => Promise<boolean>;

/**
 * Remembers in this process which proofs it has seen. Another process has not: a proof is good for one use at each of them.
 *
 * @param maxEntries past these nothing is forgotten: the next proof cannot be checked
 * @param now epoch milliseconds
 */
export function createReplayMemory({ maxEntries }: { maxEntries: number }, { now }: { now: () => number }): UseOnce {
  /** Name to when it may be forgotten; the oldest first, and each remembered for about as long as the others. */
  const used = new Map<string, number>();

  function forgetExpired(time: number): void {
    for (const [name, expiresAt] of used) {
      if (expiresAt > time) return;
      used.delete(name);
    }
  }

  return async (name, expiresIn) => {
    const time = now();
    forgetExpired(time);
    if ((used.get(name) ?? 0) > time) return false;
    if (used.size >= maxEntries) throw new ValidationUnavailableError('too many DPoP proofs to remember');
    used.delete(name);
    used.set(name, time + expiresIn * 1000);
    return true;
  };
}
