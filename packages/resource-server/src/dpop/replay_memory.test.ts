import { expect, test } from '@jest/globals';
import { createReplayMemory } from './replay_memory.ts';

test('a name is used once, until it expires', async () => {
  let time = 0;
  const useOnce = createReplayMemory({ maxEntries: 10 }, { now: () => time });
  expect(await useOnce('a', 10)).toBe(true);
  expect(await useOnce('a', 10)).toBe(false);
  expect(await useOnce('b', 10)).toBe(true);
  time = 9_999;
  expect(await useOnce('a', 10)).toBe(false);
  time = 10_000;
  expect(await useOnce('a', 10)).toBe(true);
  expect(await useOnce('a', 10)).toBe(false);
});

test('a full memory refuses new names with 503, and drops nothing', async () => {
  let time = 0;
  const useOnce = createReplayMemory({ maxEntries: 2 }, { now: () => time });
  await useOnce('a', 10);
  await useOnce('b', 20);
  await expect(useOnce('c', 10)).rejects.toMatchObject({ status: 503, code: 'temporarily_unavailable' });
  expect(await useOnce('a', 10)).toBe(false);
  time = 10_000;
  expect(await useOnce('c', 10)).toBe(true);
  expect(await useOnce('b', 20)).toBe(false);
});
