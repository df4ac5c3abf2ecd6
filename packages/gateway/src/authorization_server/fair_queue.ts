import { ValidationUnavailableError } from '@tallystick/resource-server';

/**
 * Limits the number of tasks that run and that wait. There is one line of waiting tasks per sender, and the lines take turns: a
 * client that floods the gateway queues behind its own requests.
 */
export interface FairQueue {
  readonly running: number;
  readonly waiting: number;
  /**
   * Runs a task when its turn comes.
   *
   * @param signal ends the wait
   * @throws {ValidationUnavailableError} when too many tasks wait already, or the wait was too long; and what the task throws
   */
  run<T>(sender: string, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
}

interface Waiter {
  readonly sender: string;
  start(): void;
  refuse(description: string): void;
}

export function createFairQueue({ maxRunning, maxWaiting }: { maxRunning: number; maxWaiting: number }): FairQueue {
  const lines = createLines();
  let running = 0;

  function enqueue(waiter: Waiter): void {
    if (lines.size() >= maxWaiting) {
      const displaced = lines.lastOfLongest(waiter.sender) ?? waiter;
      displaced.refuse('too many access tokens are being looked up');
      if (displaced === waiter) return;
      lines.remove(displaced);
    }
    lines.add(waiter);
  }

  function startNext(): void {
    if (running < maxRunning) lines.takeNext()?.start();
  }

  function waitForTurn(sender: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        lines.remove(waiter);
        waiter.refuse('the access token could not be looked up in time');
      };
      const waiter: Waiter = {
        sender,
        start() {
          signal.removeEventListener('abort', giveUp);
          // Counted before the task continues, so that no other task takes its place.
          running += 1;
          resolve();
        },
        refuse(description) {
          signal.removeEventListener('abort', giveUp);
          reject(new ValidationUnavailableError(description));
        },
      };
      signal.addEventListener('abort', giveUp);
      enqueue(waiter);
    });
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return lines.size();
    },
    async run(sender, signal, task) {
      if (running < maxRunning && lines.size() === 0) running += 1;
      else await waitForTurn(sender, signal);
      try {
        return await task();
      } finally {
        running -= 1;
        startNext();
      }
    },
  };
}

/** The waiting tasks: one line per sender. */
function createLines() {
  /** In the order of their turns. No line is empty. */
  const bySender = new Map<string, Waiter[]>();
  let size = 0;

  return {
    size: () => size,
    add(waiter: Waiter): void {
      const line = bySender.get(waiter.sender);
      if (line === undefined) bySender.set(waiter.sender, [waiter]);
      else line.push(waiter);
      size += 1;
    },
    remove(waiter: Waiter): void {
      const line = bySender.get(waiter.sender) ?? [];
      const place = line.indexOf(waiter);
      if (place < 0) return;
      line.splice(place, 1);
      size -= 1;
      if (line.length === 0) bySender.delete(waiter.sender);
    },
    /** Takes the first waiter of the first line, which then becomes the last line. */
    takeNext(): Waiter | undefined {
      const [next] = bySender;
      if (next === undefined) return undefined;
      const [sender, line] = next;
      const waiter = line.shift();
      bySender.delete(sender);
      if (line.length > 0) bySender.set(sender, line);
      size -= 1;
      return waiter;
    },
    /** The last waiter of the longest line. @returns undefined when no line is longer than the sender's would become */
    lastOfLongest(sender: string): Waiter | undefined {
      const own = bySender.get(sender) ?? [];
      let longest = own;
      for (const line of bySender.values()) if (line.length > Math.max(longest.length, own.length + 1)) longest = line;
      return longest === own ? undefined : longest.at(-1);
    },
  };
}
