import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { athOf } from '@tallystick/testing/dpop_prover';
import type { AcceptedAccessToken, AuthenticateOptions } from '../authenticate.ts';
import type { ChallengeOptions } from '../challenge.ts';
import { createDPoPNonces } from '../dpop/nonces.ts';
import { AccessTokenError, ValidationUnavailableError } from '../errors.ts';
import { checkedAtTheGateway, createSenderConstraint } from '../sender_constraint.ts';
import { createOrdersClient, provedAt } from './proofs.ts';

/** Accepts one token, refuses others, and fails for two. */
const validator = {
  async validate(token: string) {
    if (token === 'good') return { aud: 'https://api.example.com', sub: 'alice', scope: 'read' };
    if (token === 'trouble') throw new ValidationUnavailableError('the JWKS could not be reached', { retryAfter: 3 });
    if (token === 'fault') throw new RangeError('a fault in the program');
    throw new AccessTokenError('invalid_token', 'the token has expired');
  },
};
const scopes = (method: string) => (method === 'GET' ? ['read'] : ['write']);
const resourceMetadata = 'https://api.example.com/.well-known/oauth-protected-resource';

/**
 * The contract of the middleware for every framework.
 *
 * @param start starts an app that answers `JSON.stringify(accessToken)` behind the middleware, and 500 with
 *   "fault: " and the message when an error reaches the framework; returns its URL.
 */
export function describeMiddleware(
  name: string,
  start: (options: AuthenticateOptions<IncomingMessage> & ChallengeOptions) => Promise<string>,
): void {
  const call = async (token?: string, init: RequestInit = {}) => {
    const url = await start({ validator, scopes, resourceMetadata, realm: 'orders' });
    return fetch(url, { ...init, headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
  };

  describe(`the ${name} middleware`, () => {
    test('lets a valid token pass and hands it on', async () => {
      const response = await call('good');
      expect(response.status).toBe(200);
      const accepted = (await response.json()) as AcceptedAccessToken;
      expect(accepted).toEqual({
        token: 'good',
        claims: { aud: 'https://api.example.com', sub: 'alice', scope: 'read' },
      });
    });

    test('challenges a request without a token', async () => {
      const response = await call();
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer realm="orders", resource_metadata="${resourceMetadata}"`,
      );
      expect(response.headers.get('content-type')).toMatch(/^application\/json/);
      expect(response.headers.get('cache-control')).toBe('no-store');
      await expect(response.json()).resolves.toMatchObject({ error: 'unauthorized' });
    });

    test('refuses an invalid token', async () => {
      const response = await call('bad');
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"');
      await expect(response.json()).resolves.toEqual({
        error: 'invalid_token',
        error_description: 'the token has expired',
      });
    });

    test('requires the scopes of the method', async () => {
      const response = await call('good', { method: 'POST' });
      expect(response.status).toBe(403);
      expect(response.headers.get('www-authenticate')).toContain('scope="write"');
    });

    test('answers 503 with Retry-After when the token cannot be checked', async () => {
      const response = await call('trouble');
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3']);
      expect(response.headers.get('www-authenticate')).toBeNull();
    });

    test('leaves a fault in the program to the framework', async () => {
      const response = await call('fault');
      expect([response.status, await response.text()]).toEqual([500, 'fault: a fault in the program']);
    });

    describe('with tokens that are bound to a key', () => {
      const bound = (cnf: object) => ({ validate: async () => ({ aud: 'https://api.example.com', cnf }) });
      const token = 'bound-token';

      test('refuses them as bearer tokens, except with checkedAtTheGateway', async () => {
        const headers = { authorization: `Bearer ${token}` };
        const { cnf } = await createOrdersClient();
        const refused = await fetch(await start({ validator: bound(cnf) }), { headers });
        expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
          401,
          expect.stringMatching(/^Bearer error="invalid_token"(?!.*, DPoP )/),
        ]);
        const relying = { validator: bound(cnf), senderConstraint: checkedAtTheGateway };
        expect((await fetch(await start(relying), { headers })).status).toBe(200);
      });

      test('does not support the scheme DPoP without a proof check', async () => {
        const response = await fetch(await start({ validator }), { headers: { authorization: 'DPoP good' } });
        expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
      });

      test('checks the proof, requires a nonce, and sends the next one in time', async () => {
        const clock = { seconds: provedAt };
        const now = () => clock.seconds * 1000;
        const prover = await createOrdersClient();
        const senderConstraint = createSenderConstraint<IncomingMessage>(
          { dpop: { uriOf: ({ url }) => `https://api.example.com${url}`, algorithms: ['ES256'] } },
          { nonces: createDPoPNonces({ secret: 'a secret' }, { now }), now },
        );
        const url = await start({ validator: bound(prover.cnf), senderConstraint, resourceMetadata });
        const call = async (claims: object) => {
          const ath = athOf(token);
          const proof = await prover.proof({ htu: 'https://api.example.com/a', ath, ...claims });
          return fetch(`${url}/a?b=c`, { headers: { authorization: `DPoP ${token}`, dpop: proof } });
        };
        const challenged = await call({});
        expect(challenged.status).toBe(401);
        expect(challenged.headers.get('www-authenticate')).toBe(
          `DPoP error="use_dpop_nonce", error_description="the DPoP proof must carry a nonce", algs="ES256", resource_metadata="${resourceMetadata}"`,
        );
        const nonce = challenged.headers.get('dpop-nonce') ?? '';
        const served = await call({ nonce });
        expect([served.status, served.headers.get('dpop-nonce')]).toEqual([200, null]);
        expect((await call({ nonce, htm: 'POST' })).status).toBe(401);
        clock.seconds += 60;
        const rotating = await call({ nonce });
        expect(rotating.status).toBe(200);
        expect(rotating.headers.get('dpop-nonce')).toMatch(/^[\w-]{43}$/);
      });
    });

    test('cannot be created without a validator, or with scopes that are not a function', async () => {
      await expect(start({} as never)).rejects.toThrow(TypeError);
      await expect(start({ validator, scopes: ['read'] as never })).rejects.toThrow(TypeError);
      await expect(start({ validator, senderConstraint: {} as never })).rejects.toThrow(TypeError);
    });

    test('requires no scopes by default', async () => {
      const url = await start({ validator });
      const response = await fetch(url, { method: 'POST', headers: { authorization: 'Bearer good' } });
      expect(response.status).toBe(200);
    });
  });
}
