import { InputError } from '../input_error.ts';
import { realTime, replaceDateNow, restoreDateNow, withTime } from './time_in_context.ts';

/** The latest time of a Date, in epoch milliseconds (ECMA-262, time values). */
const MAX_TIME = 8.64e15;

/** The clock of a Tallystick. It keeps running after it was moved; timers are not affected. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Seconds ahead of real time. */
  readonly ahead: number;
  /** @param seconds negative to go back @throws {ClockFixedError} @throws {InputError} */
  advance(seconds: number): void;
  /** @throws {ClockFixedError} @throws {InputError} */
  set(moment: Date): void;
  /** Back to real time. */
  reset(): void;
}

/** The clock cannot be moved, because the store expires entries by its own clock. */
export class ClockFixedError extends Error {
  readonly code = 'clock_fixed';
  override name = 'ClockFixedError';
}

/** A clock with the methods that Tallystick needs. */
export interface ManagedClock extends Clock {
  /** Runs code for which `Date.now` returns the time of this clock. */
  run<T>(operation: () => T): T;
  /** Back to real time for good. */
  stop(): void;
}

/** @param options.movable whether the store expires entries by this clock */
export function createClock({ movable }: { movable: boolean }): ManagedClock {
  let offset = 0;
  let stopped = false;
  const self = {};
  const now = () => realTime() + offset;

  function reset() {
    offset = 0;
    restoreDateNow(self);
  }

  function moveBy(milliseconds: number, path: string) {
    if (stopped) throw new ClockFixedError('the clock cannot be moved, because this Tallystick was stopped');
    if (!movable)
      throw new ClockFixedError('the clock can be moved only with the memory store: Redis has its own clock');
    const target = now() + milliseconds;
    if (!(target >= 0 && target <= MAX_TIME))
      throw new InputError(path, 'expected a time between the years 1970 and 275760');
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
