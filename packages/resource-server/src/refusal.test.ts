import { describe, expect, test } from '@jest/globals';
import { AccessTokenError, ValidationUnavailableError, ValidatorRefusedError } from './errors.ts';
import { refusal } from './refusal.ts';

describe('a refusal', () => {
  test.each([
    ['missing_token', 401],
    ['invalid_request', 400],
    ['invalid_token', 401],
    ['invalid_dpop_proof', 401],
    ['use_dpop_nonce', 401],
    ['insufficient_scope', 403],
  ] as const)('of %s is %d with a challenge', (code, status) => {
    const answer = refusal(new AccessTokenError(code, 'a reason'));
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({
      'WWW-Authenticate': expect.stringMatching(/^(Bearer|DPoP) ?/),
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
    });
  });

  test('of an invalid token names the error in the body', () => {
    const { body } = refusal(new AccessTokenError('invalid_token', 'the token has expired'));
    expect(JSON.parse(body)).toEqual({ error: 'invalid_token', error_description: 'the token has expired' });
  });

  test('of a proof without a nonce sends one', () => {
    const error = new AccessTokenError('use_dpop_nonce', 'the DPoP proof must carry a nonce', { dpopNonce: 'next' });
    expect(refusal(error)).toMatchObject({
      status: 401,
      headers: { 'DPoP-Nonce': 'next', 'WWW-Authenticate': expect.stringContaining('error="use_dpop_nonce"') },
    });
    expect(refusal(new AccessTokenError('invalid_token', 'a reason')).headers).not.toHaveProperty('DPoP-Nonce');
  });

  test('of a request without a token uses no RFC 6750 error code', () => {
    const { body } = refusal(new AccessTokenError('missing_token', 'an access token is required'));
    expect(JSON.parse(body)).toEqual({ error: 'unauthorized', error_description: 'an access token is required' });
  });

  test('points to the metadata', () => {
    const options = { realm: 'orders', resourceMetadata: 'https://api.example.com/metadata' };
    const { headers } = refusal(new AccessTokenError('missing_token', 'an access token is required'), options);
    expect(headers['WWW-Authenticate']).toBe(
      'Bearer realm="orders", resource_metadata="https://api.example.com/metadata"',
    );
  });

  test('while the authorization server is unavailable gets 503 with Retry-After and without a challenge', () => {
    const answer = refusal(new ValidationUnavailableError('the JWKS could not be reached', { retryAfter: 7 }));
    expect(answer).toEqual({
      status: 503,
      headers: { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'Retry-After': '7' },
      body: '{"error":"temporarily_unavailable","error_description":"the JWKS could not be reached"}',
    });
    expect(refusal(new ValidationUnavailableError('again soon')).headers['Retry-After']).toBe('1');
  });

  test('for the credentials of the API gets 502 without a challenge', () => {
    const answer = refusal(new ValidatorRefusedError('the credentials of this API were refused'));
    expect(answer.status).toBe(502);
    expect(answer.headers).not.toHaveProperty('WWW-Authenticate');
    expect(JSON.parse(answer.body)).toMatchObject({ error: 'validator_refused' });
  });

  test('does not accept an error of another package', () => {
    const fault = new RangeError('a fault');
    expect(() => refusal(fault)).toThrow(fault);
  });
});
