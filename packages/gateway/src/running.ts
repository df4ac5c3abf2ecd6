/**
 * Counts what is being served at the moment. It does not hold on to it: a collection of responses, each added and soon taken out
 * again, costs the garbage collector more than all of the walk.
 */
export interface RunningRequests {
  /** From now on connections are not to be kept alive. */
  readonly draining: boolean;
  begin(): void;
  end(): void;
  /** Resolves when nothing is running any more, or after `timeout` milliseconds. */
  drain(timeout: number): Promise<void>;
}

export function createRunning(): RunningRequests {
  let count = 0;
  let draining = false;
  let whenIdle: () => void = () => {};

  return {
    get draining() {
      return draining;
    },
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (count === 0) whenIdle();
    },
    async drain(timeout) {
      draining = true;
      if (count === 0) return;
      await new Promise<void>((resolve) => {
        const giveUp = setTimeout(resolve, timeout);
        whenIdle = () => {
          clearTimeout(giveUp);
          resolve();
        };
      });
    },
  };
}
