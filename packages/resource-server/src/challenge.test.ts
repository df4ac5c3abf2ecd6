import { describe, expect, test } from '@jest/globals';
import { challenge } from './challenge.ts';
import { AccessTokenError } from './errors.ts';

describe('a challenge', () => {
  test('for a request without a token carries no error', () => {
    const error = new AccessTokenError('missing_token', 'an access token is required');
    expect(challenge(error)).toBe('Bearer');
    expect(challenge(error, { realm: 'orders', resourceMetadata: 'https://api.example.com/metadata' })).toBe(
      'Bearer realm="orders", resource_metadata="https://api.example.com/metadata"',
    );
  });

  test('for a bad token names the error', () => {
    expect(challenge(new AccessTokenError('invalid_token', 'the token has expired'))).toBe(
      'Bearer error="invalid_token", error_description="the token has expired"',
    );
  });

  test('for a missing scope names all the scopes needed', () => {
    const error = new AccessTokenError('insufficient_scope', 'more is needed', { scope: ['read', 'write'] });
    expect(challenge(error)).toBe(
      'Bearer error="insufficient_scope", error_description="more is needed", scope="read write"',
    );
  });

  test('cannot be broken out of', () => {
    const hostile = 'a"b\\c\r\nSet-Cookie: x=1\u0000\u007fé€';
    expect(challenge(new AccessTokenError('invalid_token', hostile), { realm: hostile })).toBe(
      'Bearer realm="abcSet-Cookie: x=1", error="invalid_token", error_description="abcSet-Cookie: x=1"',
    );
  });
});
