import { expect, test } from '@jest/globals';
import { createDPoPNonces } from './nonces.ts';

test('a nonce is accepted in its own period, the one before and the one after', () => {
  let time = 600_000;
  const nonces = createDPoPNonces({ secret: 'a secret', period: 60 }, { now: () => time });
  const nonce = nonces.current();
  expect(nonce).toMatch(/^[\w-]{43}$/);
  const accepted = [-120, -60, 0, 59, 60, 119, 120].map((seconds) => {
    time = (600 + seconds) * 1000;
    return nonces.accepts(nonce);
  });
  expect(accepted).toEqual([false, true, true, true, true, true, false]);
  expect(nonces.lifetime).toBe(180);
});

test('each period has a new nonce', () => {
  let time = 0;
  const nonces = createDPoPNonces({ secret: 'a secret' }, { now: () => time });
  const first = nonces.current();
  time = 59_999;
  expect(nonces.current()).toBe(first);
  time = 60_000;
  expect(nonces.current()).not.toBe(first);
});

test.each([{ secret: '' }, { secret: 'a', period: 0 }])('cannot be created with %j', (options) => {
  expect(() => createDPoPNonces(options)).toThrow(TypeError);
});
