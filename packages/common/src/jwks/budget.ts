/** A token bucket. */
export interface Budget {
  /** @returns whether enough was left. If not, the rest is spent too. */
  spend(cost: number): boolean;
  /** Gives one back. */
  refund(): void;
}

export interface BudgetOptions {
  /** Initial and maximum amount. */
  readonly capacity: number;
  /** Seconds after which one is added. */
  readonly interval: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Makes a token bucket. It needs no timer: `spend` first adds what has accrued. */
export function createBudget({ capacity, interval, now }: BudgetOptions): Budget {
  let left = capacity;
  let countedAt = now();

  function addAccrued(): void {
    // The absolute value, because a clock that was set back must not block spending until it has caught up.
    const accrued = Math.floor(Math.abs(now() - countedAt) / (interval * 1000));
    if (accrued < 1) return;
    left = Math.min(capacity, left + accrued);
    countedAt = now();
  }

  return {
    spend(cost) {
      addAccrued();
      const isEnough = cost <= left;
      left = isEnough ? left - cost : 0;
      return isEnough;
    },
    refund() {
      left = Math.min(capacity, left + 1);
    },
  };
}
