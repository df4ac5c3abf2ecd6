import { createBudget } from './budget.ts';

/** Number of different unknown keys that may cause a fetch at once. Each `cooldown` allows one more. */
const MAX_FETCHING_KEYS = 4;

/** Number of missing keys that are remembered. */
const MAX_REMEMBERED_KEYS = 64;

/**
 * Decides for which unknown keys a fetch may follow soon after the last one. A key rotation causes one unknown `kid`, or one for each
 * algorithm, in many tokens; a flood causes many different ones. A fetch therefore costs the number of different keys that wait for
 * it, and a cost above the remaining budget is treated as a flood.
 */
export interface UnknownKeys {
  /** Notes that a token names a key that the set lacks. */
  await(kid: string): void;
  /** Whether a fetch may be made for this key and all other keys that are awaited. */
  mayFetch(kid: string): boolean;
  /** Ends the wait for a key. It is `missing` if a fetch that began after the token came does not have it. */
  settle(kid: string, outcome: 'found' | 'missing' | 'undecided'): void;
}

/** @param options.cooldown seconds. @param options.now epoch milliseconds */
export function createUnknownKeys({ cooldown, now }: { cooldown: number; now: () => number }): UnknownKeys {
  const budget = createBudget({ capacity: MAX_FETCHING_KEYS, interval: cooldown, now });
  const awaited = new Set<string>();
  /** Time at which each key was found to be missing. Repeated requests for it must not use up the budget. */
  const missing = new Map<string, number>();

  function remember(kid: string): void {
    missing.delete(kid);
    missing.set(kid, now());
    const [oldest = kid] = missing.keys();
    if (missing.size > MAX_REMEMBERED_KEYS) missing.delete(oldest);
  }

  return {
    await: (kid) => void awaited.add(kid),
    mayFetch(kid) {
      const missingSince = missing.get(kid);
      if (missingSince !== undefined && Math.abs(now() - missingSince) < cooldown * 1000) return false;
      return budget.spend(awaited.size);
    },
    settle(kid, outcome) {
      // The first of several requests for a key settles it.
      if (!awaited.delete(kid)) return;
      if (outcome === 'found') budget.refund();
      if (outcome === 'missing') remember(kid);
    },
  };
}
