import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { authorize, CHALLENGE, redeemCode, requestTokens } from '../testing/flow.ts';
import { resourceOf, STYLES, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const PROFILE = {
  ...{ name: 'A', family_name: 'B', given_name: 'C', middle_name: 'D', nickname: 'E', preferred_username: 'F' },
  ...{ profile: 'https://a.example', picture: 'https://a.example/p', website: 'https://a.example/w', gender: 'x' },
  ...{ birthdate: '2000-01-01', zoneinfo: 'Europe/Vienna', locale: 'de', updated_at: 1 },
};
const BY_SCOPE: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  profile: PROFILE,
  email: { email: 'a@example.com', email_verified: true },
  phone: { phone_number: '1', phone_number_verified: false },
  address: { address: { locality: 'Linz' } },
  groups: { groups: ['g'], roles: ['r'] },
};
const CLAIMS = Object.assign({}, ...Object.values(BY_SCOPE)) as Record<string, unknown>;

const web = { grants: ['authorization_code'], redirectUris: [REDIRECT_URI] } as const;

let server: TestServer;
let conforming: TestServer;
beforeAll(async () => {
  server = await startTestServer((config) => ({
    ...config,
    idTokenSigningAlgorithm: 'RS256',
    scopes: { groups: ['groups', 'roles'] },
    users: [{ id: 'alice', claims: CLAIMS }],
    clients: [
      ...config.clients,
      testClient({ id: 'web', ...web }),
      testClient({ id: 'signed', ...web, metadata: { userinfo_signed_response_alg: 'ES256' } }),
    ],
  }));
  conforming = await startTestServer((config) => ({
    ...config,
    claimsInIdToken: false,
    clients: [...config.clients, testClient({ id: 'web', ...web })],
  }));
});
afterAll(() => Promise.all([server.stop(), conforming.stop()]));

async function tokensFor(at: TestServer, parameters: Record<string, string>, client = 'web') {
  return redeemCode(at, client, await authorize(at, { client_id: client, ...CHALLENGE, ...parameters }));
}

function userinfo(at: TestServer, token: string): Promise<Response> {
  return fetch(`${at.issuer}/me`, { headers: { Authorization: `Bearer ${token}` } });
}

async function publishedAlgorithms(): Promise<string[]> {
  const { keys } = (await (await fetch(`${server.issuer}/jwks`)).json()) as { keys: { alg: string }[] };
  return keys.map(({ alg }) => alg);
}

test('ID tokens are signed with RS256 and access tokens with ES256, with keys of the JWKS', async () => {
  const { id_token, access_token } = await tokensFor(server, { scope: 'openid read', resource: resourceOf('jwt') });
  expect([decodeProtectedHeader(id_token).alg, decodeProtectedHeader(access_token).alg]).toEqual(['RS256', 'ES256']);
  const jwks = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
  await jwtVerify(id_token, jwks, { issuer: server.issuer, audience: 'web' });
  await jwtVerify(access_token, jwks, { issuer: server.issuer, audience: resourceOf('jwt') });
  expect(await publishedAlgorithms()).toEqual(['ES256', 'RS256']);
});

test.each(Object.entries(BY_SCOPE))(
  'the scope %s brings its claims to the ID token and userinfo',
  async (scope, claims) => {
    const { id_token, access_token } = await tokensFor(server, { scope: `openid ${scope}` });
    expect(decodeJwt(id_token)).toMatchObject(claims);
    expect(await (await userinfo(server, access_token)).json()).toEqual({ sub: 'alice', ...claims });
  },
);

test.each(STYLES)('a resource of the style %s makes no difference to the ID token', async (style) => {
  const scope = 'openid profile email read';
  const [without, with_] = await Promise.all([
    tokensFor(server, { scope: 'openid profile email' }),
    tokensFor(server, { scope, resource: resourceOf(style) }),
  ]);
  const namesOf = (token: string) => Object.keys(decodeJwt(token)).sort();
  expect(namesOf(with_.id_token)).toEqual(namesOf(without.id_token));
});

test.each([{}, { resource: resourceOf('phantom') }])('a setting keeps claims out of ID tokens (%j)', async (more) => {
  const parameters = { scope: 'openid email', ...more } as Record<string, string>;
  const { id_token, access_token } = await tokensFor(conforming, parameters);
  expect(decodeJwt(id_token)).not.toHaveProperty('email');
  expect(await (await userinfo(conforming, access_token)).json()).toEqual({ sub: 'alice', email: 'alice@example.com' });
});

test.each(STYLES)('userinfo accepts the token of an API of the style %s if openid was granted', async (style) => {
  const scope = 'openid email read';
  const { access_token } = await tokensFor(server, { scope, resource: resourceOf(style) });
  const answer = await userinfo(server, access_token);
  expect([answer.status, await answer.json()]).toEqual([200, { sub: 'alice', ...BY_SCOPE.email }]);
});

test.each(STYLES)('userinfo refuses the token of an API of the style %s without openid', async (style) => {
  const { access_token } = await tokensFor(server, { scope: 'read', resource: resourceOf(style) });
  // A JWT without openid has no record here.
  expect((await userinfo(server, access_token)).status).toBe(style === 'jwt' ? 401 : 403);
  const own = await requestTokens(server, 'service:service-secret', {
    grant_type: 'client_credentials',
    resource: resourceOf(style),
  });
  expect((await userinfo(server, own.access_token)).status).toBe(401);
});

test('userinfo is signed for a client that asks for it', async () => {
  const { access_token } = await tokensFor(server, { scope: 'openid email' }, 'signed');
  const answer = await userinfo(server, access_token);
  expect(answer.headers.get('content-type')).toContain('application/jwt');
  const jwks = createRemoteJWKSet(new URL(`${server.issuer}/jwks`));
  const { payload } = await jwtVerify(await answer.text(), jwks, { issuer: server.issuer, audience: 'signed' });
  expect(payload).toMatchObject({ sub: 'alice', ...BY_SCOPE.email });
});
