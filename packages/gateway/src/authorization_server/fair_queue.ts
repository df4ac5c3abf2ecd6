import { ValidationUnavailableError } from '@tallystick/resource-server';

/**
 * Bounds what is under way at one time, and what waits. Those who wait stand in a line for each sender, and the lines take
 * turns: who sends a hundred thousand tokens waits behind himself, and not before everybody else.
 */
export interface FairQueue {
  readonly running: number;
  readonly waiting: number;
  /**
   * Runs a task when it is its turn.
   *
   * @param signal ends the wait
   * @throws {ValidationUnavailableError} when too many wait already, or the wait was too long; and what the task throws
   */
  run<T>(sender: string, signal: AbortSignal, task: () => Promise<T>): Promise<T>;
}

interface Waiter {
  readonly sender: string;
  admit(): void;
  turnAway(description: string): void;
}

export function createFairQueue({ maxRunning, maxWaiting }: { maxRunning: number; maxWaiting: number }): FairQueue {
  /** Who waits, by sender, in the order of their turns. No line is empty. */
  const lines = new Map<string, Waiter[]>();
  let running = 0;
  let waiting = 0;

  function enter(waiter: Waiter): void {
    if (waiting >= maxWaiting && !makeRoomFor(waiter.sender)) {
      waiter.turnAway('too many access tokens are being looked up');
      return;
    }
    const line = lines.get(waiter.sender);
    if (line === undefined) lines.set(waiter.sender, [waiter]);
    else line.push(waiter);
    waiting += 1;
  }

  /** Turns away the last of the longest line, if that is not the newcomer's own. */
  function makeRoomFor(sender: string): boolean {
    let longest = lines.get(sender) ?? [];
    const own = longest;
    for (const line of lines.values()) if (line.length > Math.max(longest.length, own.length + 1)) longest = line;
    const last = longest === own ? undefined : longest.at(-1);
    if (last === undefined) return false;
    leave(last);
    last.turnAway('too many access tokens are being looked up');
    return true;
  }

  function leave(waiter: Waiter): void {
    const line = lines.get(waiter.sender) ?? [];
    const place = line.indexOf(waiter);
    if (place < 0) return;
    line.splice(place, 1);
    waiting -= 1;
    if (line.length === 0) lines.delete(waiter.sender);
  }

  function admitNext(): void {
    const [next] = lines;
    if (next === undefined || running >= maxRunning) return;
    const [sender, line] = next;
    const waiter = line.shift();
    lines.delete(sender);
    if (line.length > 0) lines.set(sender, line);
    waiting -= 1;
    waiter?.admit();
  }

  function turnOf(sender: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const tooLate = () => {
        leave(waiter);
        waiter.turnAway('the access token could not be looked up in time');
      };
      const waiter: Waiter = {
        sender,
        admit() {
          signal.removeEventListener('abort', tooLate);
          // Counted here, so that nobody slips in between.
          running += 1;
          resolve();
        },
        turnAway(description) {
          signal.removeEventListener('abort', tooLate);
          reject(new ValidationUnavailableError(description));
        },
      };
      signal.addEventListener('abort', tooLate);
      enter(waiter);
    });
  }

  return {
    get running() {
      return running;
    },
    get waiting() {
      return waiting;
    },
    async run(sender, signal, task) {
      if (running < maxRunning && waiting === 0) running += 1;
      else await turnOf(sender, signal);
      try {
        return await task();
      } finally {
        running -= 1;
        admitNext();
      }
    },
  };
}
