import { describe, expect, test } from '@jest/globals';
import { challenge } from './challenge.ts';
import { AccessTokenError } from './errors.ts';

describe('a challenge', () => {
  test('to a request without a token carries no error', () => {
    const error = new AccessTokenError('missing_token', 'an access token is required');
    expect(challenge(error)).toBe('Bearer');
    expect(challenge(error, { realm: 'orders', resourceMetadata: 'https://api.example.com/metadata' })).toBe(
      'Bearer realm="orders", resource_metadata="https://api.example.com/metadata"',
    );
  });

  test('to an invalid token names the error', () => {
    expect(challenge(new AccessTokenError('invalid_token', 'the token has expired'))).toBe(
      'Bearer error="invalid_token", error_description="the token has expired"',
    );
  });

  test('for a missing scope names all required scopes', () => {
    const error = new AccessTokenError('insufficient_scope', 'more is needed', { scope: ['read', 'write'] });
    expect(challenge(error)).toBe(
      'Bearer error="insufficient_scope", error_description="more is needed", scope="read write"',
    );
  });

  describe('of an API that takes DPoP too', () => {
    const options = {
      schemes: ['Bearer', 'DPoP'],
      algorithms: ['ES256', 'PS256'],
      resourceMetadata: 'https://a/m',
    } as const;
    const metadata = 'resource_metadata="https://a/m"';

    test('offers both schemes to a request without a token', () => {
      const error = new AccessTokenError('missing_token', 'an access token is required');
      expect(challenge(error, options)).toBe(`Bearer ${metadata}, DPoP algs="ES256 PS256", ${metadata}`);
    });

    test('puts the error under the scheme that the client used', () => {
      const error = new AccessTokenError('invalid_token', 'expired');
      const said = 'error="invalid_token", error_description="expired"';
      expect(challenge(error, { ...options, presented: 'Bearer' })).toBe(
        `Bearer ${said}, ${metadata}, DPoP algs="ES256 PS256", ${metadata}`,
      );
      expect(challenge(error, { ...options, presented: 'DPoP' })).toBe(
        `DPoP ${said}, algs="ES256 PS256", ${metadata}, Bearer ${metadata}`,
      );
    });

    test.each(['invalid_dpop_proof', 'use_dpop_nonce'] as const)('names DPoP only for %s', (code) => {
      expect(challenge(new AccessTokenError(code, 'why'), { ...options, presented: 'DPoP' })).toBe(
        `DPoP error="${code}", error_description="why", algs="ES256 PS256", ${metadata}`,
      );
    });

    test('names no other scheme where it would not help', () => {
      const error = new AccessTokenError('insufficient_scope', 'more', { scope: ['write'] });
      expect(challenge(error, { ...options, presented: 'DPoP' })).toMatch(/^DPoP (?!.*Bearer)/);
      expect(challenge(error, { ...options, presented: 'Bearer' })).toMatch(/^Bearer (?!.*DPoP)/);
    });

    test('and nothing else never names Bearer', () => {
      const error = new AccessTokenError('invalid_token', 'expired');
      expect(challenge(error, { schemes: ['DPoP'], presented: 'Bearer' })).toMatch(/^DPoP (?!.*Bearer)/);
    });
  });

  test('cannot be escaped from', () => {
    const hostile = 'a"b\\c\r\nSet-Cookie: x=1\u0000\u007fé€';
    expect(challenge(new AccessTokenError('invalid_token', hostile), { realm: hostile })).toBe(
      'Bearer realm="abcSet-Cookie: x=1", error="invalid_token", error_description="abcSet-Cookie: x=1"',
    );
  });
});
