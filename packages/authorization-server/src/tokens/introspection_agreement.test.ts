import { expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { STYLES, startTestServer, testClient } from '../testing/test_server.ts';
import type { TokenRequest } from './issue_token.ts';

const AUDIENCE = ['https://one.example.com', 'https://two.example.com'];

const TOKENS: Record<string, Omit<TokenRequest, 'api'>> = {
  "a client's own": { client: 'service' },
  'of a client with pairwise subjects': { client: 'pairwise' },
  "a user's": { client: 'service', user: 'alice', scopes: ['read', 'write'] },
  "a user's, of a client with pairwise subjects": { client: 'pairwise', user: 'alice' },
  'bound to a key': { client: 'service', confirmation: { jkt: 'x'.repeat(43) } },
  'bound to a certificate': { client: 'service', confirmation: { 'x5t#S256': 'x'.repeat(43) } },
  'with further claims': { client: 'service', claims: { role: 'auditor', auth_time: 1, nested: { a: [1] } } },
};

test.each(STYLES.flatMap((style) => Object.keys(TOKENS).map((token) => [style, token] as const)))(
  'JSON and JWT agree on every common claim of a %s token: %s',
  async (style, token) => {
    const api = `https://api.example.com/${style}`;
    const server = await startTestServer((config) => ({
      ...config,
      apis: config.apis.map((each) => ({ ...each, audience: AUDIENCE })),
      clients: [
        ...config.clients,
        testClient({
          id: 'pairwise',
          secret: 'pairwise-secret',
          grants: ['client_credentials', 'authorization_code'],
          redirectUris: ['https://client.example.com/callback'],
          metadata: { subject_type: 'pairwise' },
        }),
      ],
    }));
    try {
      const { accessToken } = await server.issueToken({ ...(TOKENS[token] as TokenRequest), api });
      const introspect = async (accept: string) => {
        const answer = await fetch(`${server.issuer}/token/introspection`, {
          method: 'POST',
          headers: { Accept: accept, Authorization: `Basic ${btoa('gateway:gateway-secret')}` },
          body: new URLSearchParams({ token: accessToken }),
        });
        return answer.text();
      };
      const { jti: _, ...claims } = decodeJwt(await introspect('application/jwt'));
      const described = JSON.parse(await introspect('application/json')) as Record<string, unknown>;
      expect(described).toMatchObject(claims);
      expect(claims).toMatchObject({ sub: expect.any(String), aud: AUDIENCE });
      expect(decodeJwt(await introspect('application/token-introspection+jwt')).token_introspection).toEqual(described);
    } finally {
      await server.stop();
    }
  },
);
