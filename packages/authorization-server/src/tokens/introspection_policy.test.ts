import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { resourceOf, STYLES, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const ACCEPTS = ['application/json', 'application/jwt', 'application/token-introspection+jwt'] as const;
/** Two APIs with the same audience. */
const SHARED = ['https://api.example.com/a', 'https://api.example.com/b'] as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer((config) => ({
    ...config,
    apis: [
      ...config.apis,
      ...SHARED.map((resource, index) => ({
        ...config.apis[index === 0 ? 0 : 2],
        ...({ resource, audience: ['urn:shared', 'urn:more'], accessTokens: index === 0 ? 'jwt' : 'phantom' } as const),
        ...{ scopes: [], claims: [], accessTokenLifetime: 60, authorizationDetailsTypes: [] },
      })),
    ],
    clients: [
      ...config.clients,
      ...STYLES.map((style) => testClient({ id: style, secret: `${style}-secret`, introspects: [resourceOf(style)] })),
      testClient({ id: 'a', secret: 'a-secret', introspects: [SHARED[0]] }),
      testClient({ id: 'b', secret: 'b-secret', introspects: [SHARED[1], 'https://api.example.com/c'] }),
    ],
  }));
});
afterAll(() => server.stop());

/** Whether the token is active for the client, in each response format. */
async function isActive(client: string, token: string): Promise<boolean[]> {
  return Promise.all(
    ACCEPTS.map(async (accept) => {
      const answer = await fetch(`${server.issuer}/token/introspection`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}`, Accept: accept },
        body: new URLSearchParams({ token }),
      });
      const text = await answer.text();
      if (answer.status === 204) return false;
      if (accept === 'application/jwt') return text.split('.').length === 3;
      const claims = accept === 'application/json' ? JSON.parse(text) : decodeJwt(text).token_introspection;
      if (claims.active !== true) expect(claims).toEqual({ active: false });
      return claims.active;
    }),
  );
}

const NO = [false, false, false];
const YES = [true, true, true];

test.each(STYLES)(
  'a client that may introspect for one API learns about tokens of that API only: %s',
  async (style) => {
    for (const other of STYLES) {
      const { accessToken, jwt = '' } = await server.issueToken({ client: 'service', api: resourceOf(other) });
      const expected = other === style ? YES : NO;
      expect([other, await isActive(style, accessToken), await isActive(style, jwt)]).toEqual([
        other,
        expected,
        expected,
      ]);
      expect(await isActive('gateway', accessToken)).toEqual(YES);
      expect(await isActive('service', accessToken)).toEqual(NO);
    }
  },
);

test('a client that may introspect for APIs learns nothing about tokens without an API', async () => {
  const { accessToken } = await server.issueToken({ client: 'service', user: 'alice' });
  expect((await isActive('gateway', accessToken))[0]).toBe(true);
  expect(await isActive('phantom', accessToken)).toEqual(NO);
});

test('a reference token belongs to its requested API, a JWT to every API with its audience', async () => {
  const reference = await server.issueToken({ client: 'service', api: SHARED[1] });
  expect([await isActive('a', reference.accessToken), await isActive('b', reference.accessToken)]).toEqual([NO, YES]);
  const { accessToken: jwt } = await server.issueToken({ client: 'service', api: SHARED[0] });
  expect([await isActive('a', jwt), await isActive('b', jwt)]).toEqual([YES, YES]);
});
