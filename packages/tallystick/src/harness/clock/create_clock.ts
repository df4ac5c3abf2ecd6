import { InputError } from '../input_error.ts';
import { realTime, replaceDateNow, restoreDateNow, withTime } from './time_in_context.ts';

/** The last moment that a Date can name, in epoch milliseconds (ECMA-262, time values). */
const LAST_MOMENT = 8.64e15;

/** What time a Tallystick believes it is. It goes on from where it was moved to; timers do not move. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Seconds by which it is ahead of real time. */
  readonly ahead: number;
  /** @param seconds negative to go back @throws {ClockFixedError} @throws {InputError} */
  advance(seconds: number): void;
  /** @throws {ClockFixedError} @throws {InputError} */
  set(moment: Date): void;
  /** Back to real time. */
  reset(): void;
}

/** The clock cannot be moved, for the store lets entries expire by a clock of its own. */
export class ClockFixedError extends Error {
  readonly code = 'clock_fixed';
  override name = 'ClockFixedError';
}

/** A clock, as Tallystick holds it. */
export interface RunningClock extends Clock {
  /** Runs code that reads `Date.now` by this clock. */
  run<T>(operation: () => T): T;
  /** Back to real time for good. */
  stop(): void;
}

/** @param movable whether everything that expires does so by this clock */
export function createClock({ movable }: { movable: boolean }): RunningClock {
  let offset = 0;
  let stopped = false;
  const self = {};
  const now = () => realTime() + offset;

  function reset() {
    offset = 0;
    restoreDateNow(self);
  }

  function moveBy(milliseconds: number, path: string) {
    if (stopped) throw new ClockFixedError('the clock of a Tallystick that was stopped cannot be moved');
    if (!movable) throw new ClockFixedError('only with the memory store can the clock be moved: Redis has its own');
    const target = now() + milliseconds;
    if (!(target >= 0 && target <= LAST_MOMENT))
      throw new InputError(path, 'expected a moment between 1970 and 275760');
    offset += milliseconds;
    if (offset === 0) restoreDateNow(self);
    else replaceDateNow(self);
  }

  return {
    now,
    get ahead() {
      return offset / 1000;
    },
    advance: (seconds) => moveBy(seconds * 1000, 'seconds'),
    set: (moment) => moveBy(moment.getTime() - now(), 'now'),
    reset,
    stop() {
      stopped = true;
      reset();
    },
    run: (operation) => (offset === 0 ? operation() : withTime(now, operation)),
  };
}
