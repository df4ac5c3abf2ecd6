/** Tasks that nobody waits for: they run once the servers listen, so that the start is fast. */
export interface Background {
  /** Runs the task soon if the servers listen, otherwise later. */
  run(task: () => void): void;
  /** Says that the servers listen. */
  start(): void;
}

export function createBackground(): Background {
  const waiting: (() => void)[] = [];
  let hasStarted = false;
  return {
    run(task) {
      if (hasStarted) task();
      else waiting.push(task);
    },
    start() {
      // After what waits for the start, such as the banner.
      setImmediate(() => {
        hasStarted = true;
        for (const task of waiting.splice(0)) task();
      });
    },
  };
}
