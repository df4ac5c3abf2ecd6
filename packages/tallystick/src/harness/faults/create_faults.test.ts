import { expect, test } from '@jest/globals';
import { InputError } from '../input_error.ts';
import { createFaults } from './create_faults.ts';

test('a fault for the next calls strikes that often, and only at its endpoint', () => {
  const faults = createFaults();
  faults.add({ endpoint: 'token', status: 503, calls: 2 });
  expect(faults.strike('introspection', () => undefined)).toBeUndefined();
  expect(faults.strike('token', () => undefined)).toMatchObject({ status: 503 });
  expect(faults.list()).toMatchObject([{ remaining: 1 }]);
  expect(faults.strike('token', () => undefined)).toMatchObject({ status: 503 });
  expect(faults.strike('token', () => undefined)).toBeUndefined();
  expect(faults.list()).toEqual([]);
});

test('a fault for a fraction strikes by chance, and lets another fault have its turn', () => {
  const chances = [0.1, 0.5, 0.9];
  const faults = createFaults({ random: () => chances.shift() ?? 0 });
  faults.add({ endpoint: 'token', status: 500, fraction: 0.5 }, { endpoint: 'token', status: 503 });
  const struck = [1, 2, 3].map(() => faults.strike('token', () => undefined)?.status);
  expect(struck).toEqual([500, 503, 503]);
});

test('a fault for one client does not strike another, nor one that does not say who it is', () => {
  const faults = createFaults();
  faults.add({ endpoint: 'token', drop: true, clientId: 'one' });
  expect(faults.strike('token', () => 'other')).toBeUndefined();
  expect(faults.strike('token', () => undefined)).toBeUndefined();
  expect(faults.strike('token', () => 'one')).toBeDefined();
});

test('faults are added all or none', () => {
  const faults = createFaults();
  const add = () => faults.add({ endpoint: 'token', status: 503 }, { endpoint: 'token', status: 1 });
  expect(add).toThrow(InputError);
  expect(add).toThrow(expect.objectContaining({ path: 'faults[1].status' }));
  expect(faults.list()).toEqual([]);
});

test('a call that is held back is let go when the faults are cleared', () => {
  const faults = createFaults();
  const { cleared } = faults;
  expect(cleared.aborted).toBe(false);
  faults.clear();
  expect(cleared.aborted).toBe(true);
  expect(faults.cleared.aborted).toBe(false);
});
