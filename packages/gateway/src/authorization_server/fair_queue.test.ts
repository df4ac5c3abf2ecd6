import { expect, test } from '@jest/globals';
import { createFairQueue } from './fair_queue.ts';

const never = new AbortController().signal;

/** A queue whose tasks end when the test says so. */
function scene(maxRunning: number, maxWaiting: number) {
  const queue = createFairQueue({ maxRunning, maxWaiting });
  const started: string[] = [];
  const endings: (() => void)[] = [];
  const ask = (sender: string, signal = never) => {
    const result = queue.run(sender, signal, () => {
      started.push(sender);
      return new Promise<void>((resolve) => endings.push(resolve));
    });
    result.catch(() => {});
    return result;
  };
  const endOne = async () => {
    endings.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, started, ask, endOne };
}

test('at most maxRunning tasks run at the same time', async () => {
  const { queue, started, ask, endOne } = scene(2, 10);
  for (let index = 0; index < 5; index += 1) ask('a');
  expect([started.length, queue.running, queue.waiting]).toEqual([2, 2, 3]);
  for (let left = 5; left > 0; left -= 1) await endOne();
  expect([started.length, queue.running, queue.waiting]).toEqual([5, 0, 0]);
});

test('senders take turns, even if one of them has sent many requests', async () => {
  const { started, ask, endOne } = scene(1, 100);
  for (let index = 0; index < 50; index += 1) ask('flood');
  ask('b');
  ask('c');
  ask('b');
  for (let round = 0; round < 6; round += 1) await endOne();
  expect(started.slice(0, 7)).toEqual(['flood', 'flood', 'b', 'c', 'flood', 'b', 'flood']);
});

test('a full queue refuses the last task of the longest line, or the new task if its sender has the longest line', async () => {
  const { queue, started, ask, endOne } = scene(1, 3);
  ask('flood');
  const waiting = [ask('flood'), ask('flood'), ask('flood')];
  await expect(ask('flood')).rejects.toMatchObject({ status: 503 });
  const other = ask('b');
  await expect(waiting[2]).rejects.toMatchObject({ status: 503, retryAfter: 1 });
  expect(queue.waiting).toBe(3);
  for (let round = 0; round < 4; round += 1) await endOne();
  await other;
  expect(started).toEqual(['flood', 'flood', 'b', 'flood']);
});

test('a full queue does not refuse a task in favour of a sender whose line would be as long', async () => {
  const { ask } = scene(1, 2);
  ask('a');
  const [b, c] = [ask('b'), ask('c')];
  await expect(ask('d')).rejects.toMatchObject({ status: 503 });
  const undecided = Symbol('undecided');
  expect(await Promise.race([b, c, Promise.resolve(undecided)])).toBe(undecided);
});

test('a task that has waited too long is removed and refused', async () => {
  const { queue, started, ask, endOne } = scene(1, 3);
  ask('a');
  const impatient = new AbortController();
  const waiting = ask('b', impatient.signal);
  impatient.abort();
  await expect(waiting).rejects.toMatchObject({ status: 503 });
  expect(queue.waiting).toBe(0);
  await endOne();
  expect([started, queue.running]).toEqual([['a'], 0]);
});

test('a failed task makes room like a successful one', async () => {
  const queue = createFairQueue({ maxRunning: 1, maxWaiting: 1 });
  const failing = queue.run('a', never, () => Promise.reject(new Error('no')));
  const next = queue.run('a', never, async () => 'next');
  await expect(failing).rejects.toThrow('no');
  expect(await next).toBe('next');
  expect(queue.running).toBe(0);
});
