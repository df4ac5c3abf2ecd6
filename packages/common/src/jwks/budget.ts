/** A token bucket. */
export interface Budget {
  /** @returns whether there is enough left. What costs too much takes all that is left. */
  spend(cost: number): boolean;
  /** Gives one back. */
  refund(): void;
}

export interface BudgetOptions {
  /** How much there is at first, and at most. */
  readonly capacity: number;
  /** Seconds after which one is added. */
  readonly interval: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Makes a token bucket, which needs no timer: what time has added is counted when something is spent. */
export function createBudget({ capacity, interval, now }: BudgetOptions): Budget {
  let left = capacity;
  let countedAt = now();

  function addWhatTimeBrought(): void {
    // A clock that was set back must not close the bucket until it has caught up.
    const brought = Math.floor(Math.abs(now() - countedAt) / (interval * 1000));
    if (brought < 1) return;
    left = Math.min(capacity, left + brought);
    countedAt = now();
  }

  return {
    spend(cost) {
      addWhatTimeBrought();
      const isEnough = cost <= left;
      left = isEnough ? left - cost : 0;
      return isEnough;
    },
    refund() {
      left = Math.min(capacity, left + 1);
    },
  };
}
