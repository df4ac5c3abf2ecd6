import { expect, test } from '@jest/globals';
import { timedJwtId, timeOfJwtId } from './timed_jwt_id.ts';

test.each([0, 1, 1_700_000_000_123, 2 ** 48 - 1])(
  'a timed jti is a UUID version 7 that contains its time: %d',
  (time) => {
    expect(timedJwtId(time)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(timeOfJwtId(timedJwtId(time))).toBe(time);
  },
);

test('a thousand identifiers of one millisecond differ', () => {
  expect(new Set(Array.from({ length: 1000 }, () => timedJwtId(1))).size).toBe(1000);
});

test.each([
  undefined,
  7,
  {},
  '',
  'dGhlIGp0aSBvZiBhIHNwbGl0IHRva2Vu',
  'f47ac10b-58cc-4372-a567-0e02b2c3d479', // Version 4.
  ` ${timedJwtId(1)}`,
  timedJwtId(1).toUpperCase().replace(/^0/, 'A'),
])('another jti contains no time: %p', (jti) => {
  expect(timeOfJwtId(jti)).toBeUndefined();
});
