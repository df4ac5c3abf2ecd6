import { expect, test } from '@jest/globals';
import { InputError } from '../input_error.ts';
import { createFaults } from './faults.ts';

test('a fault with a number of calls affects that many, at its endpoint only', () => {
  const faults = createFaults();
  faults.add({ endpoint: 'token', status: 503, calls: 2 });
  expect(
    faults.take({ at: 'authorization-server', endpoint: 'introspection', clientId: () => undefined }),
  ).toBeUndefined();
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => undefined })).toMatchObject({
    status: 503,
  });
  expect(faults.list()).toMatchObject([{ remaining: 1 }]);
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => undefined })).toMatchObject({
    status: 503,
  });
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => undefined })).toBeUndefined();
  expect(faults.list()).toEqual([]);
});

test('a fault with a fraction affects calls at random, and leaves the others to the next fault', () => {
  const chances = [0.1, 0.5, 0.9];
  const faults = createFaults({ random: () => chances.shift() ?? 0 });
  faults.add({ endpoint: 'token', status: 500, fraction: 0.5 }, { endpoint: 'token', status: 503 });
  const statuses = [1, 2, 3].map(
    () => faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => undefined })?.status,
  );
  expect(statuses).toEqual([500, 503, 503]);
});

test('a fault for one client affects neither another client nor a request that names none', () => {
  const faults = createFaults();
  faults.add({ endpoint: 'token', drop: true, clientId: 'one' });
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => 'other' })).toBeUndefined();
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => undefined })).toBeUndefined();
  expect(faults.take({ at: 'authorization-server', endpoint: 'token', clientId: () => 'one' })).toBeDefined();
});

test('one invalid fault means that none is added', () => {
  const faults = createFaults();
  const add = () => faults.add({ endpoint: 'token', status: 503 }, { endpoint: 'token', status: 1 });
  expect(add).toThrow(InputError);
  expect(add).toThrow(expect.objectContaining({ path: 'faults[1].status' }));
  expect(faults.list()).toEqual([]);
});

test('clearing the faults aborts the signal for delayed calls', () => {
  const faults = createFaults();
  const { cleared } = faults;
  expect(cleared.aborted).toBe(false);
  faults.clear();
  expect(cleared.aborted).toBe(true);
  expect(faults.cleared.aborted).toBe(false);
});
