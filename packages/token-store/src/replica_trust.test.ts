import { afterEach, expect, jest, test } from '@jest/globals';
import { CLEARED } from './backend.ts';
import { createReplicaTrust } from './replica_trust.ts';

afterEach(() => {
  jest.restoreAllMocks();
});

test('no replica is trusted for the maximum lag after the store was cleared', () => {
  let time = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => time);
  const trust = createReplicaTrust(1_000);
  trust.connected();
  time = 1_000;
  expect(trust.mayRead()).toBe(true);
  trust.message(CLEARED);
  time = 1_999;
  expect(trust.mayRead()).toBe(false);
  time = 2_000;
  expect(trust.mayRead()).toBe(true);
});
