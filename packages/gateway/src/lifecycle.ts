/**
 * Counts what is being served at the moment. It does not hold on to it: a collection of responses, each added and soon taken out
 * again, costs the garbage collector more than all of the walk.
 */
export interface RunningRequests {
  /** From now on connections are not to be kept alive. */
  readonly draining: boolean;
  /** Ends the keeping alive, while requests go on to be served. */
  startDraining(): void;
  begin(): void;
  end(): void;
  /** Resolves when nothing is running any more. */
  idle(): Promise<void>;
  /** The same, or after `timeout` milliseconds. */
  drain(timeout: number): Promise<void>;
}

export function createRunning(): RunningRequests {
  let count = 0;
  let draining = false;
  let whenIdle: (() => void)[] = [];

  async function idle(): Promise<void> {
    if (count > 0) await new Promise<void>((resolve) => whenIdle.push(resolve));
  }

  return {
    get draining() {
      return draining;
    },
    startDraining() {
      draining = true;
    },
    begin() {
      count += 1;
    },
    end() {
      count -= 1;
      if (count > 0) return;
      for (const resolve of whenIdle) resolve();
      whenIdle = [];
    },
    idle,
    async drain(timeout) {
      draining = true;
      let giveUp: NodeJS.Timeout | undefined;
      const timedOut = new Promise<void>((resolve) => {
        giveUp = setTimeout(resolve, timeout);
      });
      await Promise.race([idle(), timedOut]);
      clearTimeout(giveUp);
    },
  };
}
