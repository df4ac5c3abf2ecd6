import { expect, test } from '@jest/globals';
import { isSealed, seal, unseal } from './seal.ts';

test('what was sealed opens with the same secret under the same key', () => {
  const sealed = seal('secret', 'key', 'the value');
  expect(sealed).not.toContain('the value');
  expect(isSealed(sealed)).toBe(true);
  expect(unseal('secret', 'key', sealed)).toBe('the value');
});

test('what was sealed does not open with another secret, under another key, or once it was changed', () => {
  const sealed = seal('secret', 'key', 'the value');
  const changed = sealed.slice(0, -3) + (sealed.endsWith('AAA') ? 'BBB' : 'AAA');
  expect(unseal('other', 'key', sealed)).toBeUndefined();
  expect(unseal('secret', 'elsewhere', sealed)).toBeUndefined();
  expect(unseal('secret', 'key', changed)).toBeUndefined();
  expect(unseal('secret', 'key', 'sealed:AAAA')).toBeUndefined();
});

test('a signing input is never taken for a sealed value', () => {
  expect(isSealed('eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9')).toBe(false);
});
