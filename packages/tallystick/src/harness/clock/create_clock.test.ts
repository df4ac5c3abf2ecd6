import { expect, test } from '@jest/globals';
import { InputError } from '../input_error.ts';
import { ClockFixedError, createClock } from './create_clock.ts';

const real = Date.now;
const HOUR = 3_600_000;

test('a moved clock keeps running, and can be reset to real time', () => {
  const clock = createClock({ movable: true });
  clock.advance(3600);
  clock.advance(-1800);
  expect(clock.ahead).toBe(1800);
  expect(Math.abs(clock.now() - Date.now() - HOUR / 2)).toBeLessThan(10_000);
  clock.set(new Date(0));
  expect(clock.now()).toBeLessThan(10_000);
  clock.reset();
  expect(clock.ahead).toBe(0);
  expect(Date.now).toBe(real);
});

test('Date.now changes only for code that a clock runs, and is restored with the last clock', async () => {
  const one = createClock({ movable: true });
  const other = createClock({ movable: true });
  one.advance(3600);
  other.advance(7200);
  const seenBy = (clock: typeof one) =>
    clock.run(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return Math.round((Date.now() - real()) / HOUR);
    });
  expect(await Promise.all([seenBy(one), seenBy(other)])).toEqual([1, 2]);
  expect(Math.round((Date.now() - real()) / HOUR)).toBe(0);
  one.reset();
  expect(await Promise.all([seenBy(one), seenBy(other)])).toEqual([0, 2]);
  other.reset();
  expect(Date.now).toBe(real);
});

test('a clock that cannot be moved throws and keeps real time', () => {
  const clock = createClock({ movable: false });
  expect(() => clock.advance(1)).toThrow(ClockFixedError);
  expect(() => clock.set(new Date(0))).toThrow(ClockFixedError);
  expect(clock.ahead).toBe(0);
  expect(Date.now).toBe(real);
});

test('a stopped clock keeps real time', () => {
  const clock = createClock({ movable: true });
  clock.advance(60);
  clock.stop();
  expect(() => clock.advance(60)).toThrow(ClockFixedError);
  expect(Date.now).toBe(real);
});

test.each([1e300, -1e300, Number.NaN])('refuses a time that is not a valid date: %d seconds', (seconds) => {
  const clock = createClock({ movable: true });
  expect(() => clock.advance(seconds)).toThrow(InputError);
  expect(clock.ahead).toBe(0);
});
