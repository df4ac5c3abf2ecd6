import { expect, test } from '@jest/globals';
import { signatureOf, signingInputOf } from './jwt_parts.ts';

test('splits a JWT into signing input and signature', () => {
  expect([signingInputOf('header.claims.signature'), signatureOf('header.claims.signature')]).toEqual([
    'header.claims',
    'signature',
  ]);
  expect(signatureOf('signature')).toBe('signature');
});
