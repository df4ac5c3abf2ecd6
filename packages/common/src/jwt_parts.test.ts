import { expect, test } from '@jest/globals';
import { signatureOf, signingInputOf } from './jwt_parts.ts';

test('a JWT is its signing input and its signature', () => {
  expect([signingInputOf('header.claims.signature'), signatureOf('header.claims.signature')]).toEqual([
    'header.claims',
    'signature',
  ]);
  expect(signatureOf('signature')).toBe('signature');
});
