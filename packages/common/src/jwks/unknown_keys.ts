import { createBudget } from './budget.ts';

/** How many different unknown keys may provoke a fetch at any time; each `cooldown` allows one more. */
const toleratedKeys = 4;

/** How many keys that are missing are remembered. */
const rememberedKeys = 64;

/**
 * Decides for which unknown keys a fetch may be made soon after the last one. A rotation brings one unknown `kid`, or one for
 * each algorithm, in many tokens; a flood brings ever other ones. So a fetch costs as much as there are different keys that
 * it is made for, and what costs more than is left is a flood.
 */
export interface UnknownKeys {
  /** A token names a key that the set lacks. */
  await(kid: string): void;
  /** Whether a fetch may be made, for this key and for all others that are awaited. */
  mayFetch(kid: string): boolean;
  /** The key is not awaited any more: it was found, or a fetch that began after the token came has shown that it is missing. */
  settle(kid: string, outcome: 'found' | 'missing' | 'undecided'): void;
}

/** @param options.cooldown seconds. @param options.now epoch milliseconds */
export function createUnknownKeys({ cooldown, now }: { cooldown: number; now: () => number }): UnknownKeys {
  const budget = createBudget({ capacity: toleratedKeys, interval: cooldown, now });
  const awaited = new Set<string>();
  /** When each was found to be missing: asking for it time and again must not use the budget up. */
  const missing = new Map<string, number>();

  function remember(kid: string): void {
    missing.delete(kid);
    missing.set(kid, now());
    const [oldest = kid] = missing.keys();
    if (missing.size > rememberedKeys) missing.delete(oldest);
  }

  return {
    await: (kid) => void awaited.add(kid),
    mayFetch(kid) {
      const missingSince = missing.get(kid);
      if (missingSince !== undefined && Math.abs(now() - missingSince) < cooldown * 1000) return false;
      return budget.spend(awaited.size);
    },
    settle(kid, outcome) {
      // Of many requests with one key, the first settles it.
      if (!awaited.delete(kid)) return;
      if (outcome === 'found') budget.refund();
      if (outcome === 'missing') remember(kid);
    },
  };
}
