import { createDecipheriv, hkdfSync } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { isSealed, seal, unseal } from './seal.ts';

test('a sealed value opens with the same secret under the same key', () => {
  const sealed = seal('secret', 'key', 'the value');
  expect(sealed).not.toContain('the value');
  expect(isSealed(sealed)).toBe(true);
  expect(unseal('secret', 'key', sealed)).toBe('the value');
});

test('a sealed value does not open with another secret, under another key, or after a change', () => {
  const sealed = seal('secret', 'key', 'the value');
  const changed = sealed.slice(0, -3) + (sealed.endsWith('AAA') ? 'BBB' : 'AAA');
  expect(unseal('other', 'key', sealed)).toBeUndefined();
  expect(unseal('secret', 'elsewhere', sealed)).toBeUndefined();
  expect(unseal('secret', 'key', changed)).toBeUndefined();
  expect(unseal('secret', 'key', 'sealed:AAAA')).toBeUndefined();
});

test('a signing input never counts as a sealed value', () => {
  expect(isSealed('eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9')).toBe(false);
});

test.each([
  ['a token', 'token', 'token', ''],
  ["a token and the servers' secret", { clientHeld: 'token', servers: 'secret' }, 'tallystick record token', 'secret'],
  ['a token and no secret', { clientHeld: 'token', servers: '' }, 'tallystick record token', ''],
] as const)('what is sealed under %s opens as the documentation says', (_what, sealedUnder, material, salt) => {
  const bytes = Buffer.from(seal(sealedUnder, 'key', 'the value').slice('sealed:'.length), 'base64url');
  const sealingKey = Buffer.from(hkdfSync('sha256', material, salt, 'tallystick seal', 32));
  const decipher = createDecipheriv('aes-256-gcm', sealingKey, bytes.subarray(0, 12)).setAAD(Buffer.from('key'));
  decipher.setAuthTag(bytes.subarray(-16));
  expect(decipher.update(bytes.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')).toBe('the value');
});

test('a value that is sealed under two secrets does not open with one of them', () => {
  const sealed = seal({ clientHeld: 'token', servers: 'secret' }, 'key', 'the value');
  expect(unseal({ clientHeld: 'token', servers: 'secret' }, 'key', sealed)).toBe('the value');
  const others = [
    { clientHeld: 'token', servers: '' },
    { clientHeld: 'token', servers: 'other' },
    { clientHeld: 'other', servers: 'secret' },
  ];
  for (const other of ['token', 'secret', 'tallystick record token', ...others])
    expect(unseal(other, 'key', sealed)).toBeUndefined();
});
