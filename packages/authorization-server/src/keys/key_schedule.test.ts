import { describe, expect, test } from '@jest/globals';
import {
  type KeySchedule,
  nextChangeAfter,
  publishedKeysAt,
  signingKeyAt,
  statusAt,
  withLongestLife,
  withRestoredKeys,
  withRotation,
} from './key_schedule.ts';

const SECOND = 1000;
const first: KeySchedule = [{ kid: 'one', jwk: {}, announcedAt: 0, signsFrom: 0, longestLife: 300 * SECOND }];
const rotated = withRotation(first, {
  jwk: { kid: 'two' },
  now: 100 * SECOND,
  announceFor: 10 * SECOND,
  longestLife: 30 * SECOND,
});
const kids = (now: number) => publishedKeysAt(rotated, now).map(({ kid }) => kid);

describe('the next key', () => {
  test('is published before it signs', () => {
    expect(kids(105 * SECOND)).toEqual(['one', 'two']);
    expect(signingKeyAt(rotated, 105 * SECOND)?.kid).toBe('one');
  });

  test('signs from its signsFrom on', () => {
    expect(kids(110 * SECOND)).toEqual(['two', 'one']);
    expect(rotated.map((key) => statusAt(rotated, key, 110 * SECOND))).toEqual(['retired', 'signing']);
  });

  test('keeps the previous key published until its last token has expired', () => {
    expect(kids(410 * SECOND)).toEqual(['two', 'one']);
    expect(kids(420 * SECOND)).toEqual(['two']);
  });

  test('takes effect at known times', () => {
    expect(nextChangeAfter(rotated, 100 * SECOND)).toBe(110 * SECOND);
    expect(nextChangeAfter(rotated, 110 * SECOND)).toBe(420 * SECOND);
    expect(nextChangeAfter(rotated, 420 * SECOND)).toBe(Number.POSITIVE_INFINITY);
  });
});

test('a second rotation does not shorten the life of the first key', () => {
  const again = withRotation(rotated, {
    jwk: { kid: 'three' },
    now: 111 * SECOND,
    announceFor: 0,
    longestLife: SECOND,
  });
  expect(again.map(({ kid, publishedUntil }) => [kid, publishedUntil])).toEqual([
    ['one', 420 * SECOND],
    ['two', 151 * SECOND],
    ['three', undefined],
  ]);
});

test('a rotation drops keys that are no longer published', () => {
  const again = withRotation(rotated, {
    jwk: { kid: 'three' },
    now: 500 * SECOND,
    announceFor: 0,
    longestLife: SECOND,
  });
  expect(again.map(({ kid }) => kid)).toEqual(['two', 'three']);
});

describe('a key for longer-lived tokens', () => {
  const longer = (now: number) =>
    withLongestLife(rotated, 400 * SECOND, now).map(({ longestLife, publishedUntil }) => [longestLife, publishedUntil]);

  test('stays published for them, also if a rotation has begun', () => {
    expect(longer(105 * SECOND)).toEqual([
      [400 * SECOND, 520 * SECOND],
      [400 * SECOND, undefined],
    ]);
  });

  test('excludes keys that no longer sign', () => {
    expect(longer(111 * SECOND)).toEqual([
      [300 * SECOND, 420 * SECOND],
      [400 * SECOND, undefined],
    ]);
  });

  test('keeps the lifetime of earlier tokens', () => {
    expect(withLongestLife(rotated, SECOND, 105 * SECOND)).toEqual(rotated);
  });
});

describe('keys that the store lost', () => {
  const made: KeySchedule = [
    { kid: 'new', jwk: {}, announcedAt: 200 * SECOND, signsFrom: 200 * SECOND, longestLife: 60 * SECOND },
  ];

  test('are restored as retired if another key was made in the meantime', () => {
    const back = withRestoredKeys(made, first, 205 * SECOND);
    expect(publishedKeysAt(back, 205 * SECOND).map(({ kid }) => kid)).toEqual(['new', 'one']);
    // The restored key signed until this server learned of the new one.
    expect(back.find(({ kid }) => kid === 'one')?.publishedUntil).toBe((205 + 300 + 10) * SECOND);
    expect(withRestoredKeys(back, first, 206 * SECOND)).toBe(back);
  });

  test('are restored unchanged if no other key was made', () => {
    expect(withRestoredKeys([], rotated, 105 * SECOND)).toEqual(rotated);
  });

  test('are not restored once all of their tokens have expired', () => {
    expect(withRestoredKeys(made, rotated, 421 * SECOND).map(({ kid }) => kid)).toEqual(['two', 'new']);
  });
});
