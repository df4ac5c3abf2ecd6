import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, followToCallback, open } from '@tallystick/testing/sign_in';
import { decodeJwt, SignJWT } from 'jose';
import { authorize, redeemCode } from '../testing/flow.ts';
import { SECRET, startTestServer, type TestServer, testClient, withWebClients } from '../testing/test_server.ts';

let server: TestServer;
let strict: TestServer;
let implicit: TestServer;
beforeAll(async () => {
  const bank = testClient({
    ...{ id: 'bank', secret: SECRET, grants: ['client_credentials'] },
    metadata: { token_endpoint_auth_method: 'client_secret_jwt' },
  });
  server = await startTestServer((config) => {
    const { clients } = withWebClients(config);
    return { ...config, permissive: true, clients: [...clients, bank] };
  });
  strict = await startTestServer(withWebClients);
  implicit = await startTestServer((config) => ({
    ...config,
    permissive: true,
    features: { ...config.features, implicit: true },
  }));
});
afterAll(async () => {
  await server?.stop();
  await strict?.stop();
  await implicit?.stop();
});

interface Sent {
  readonly body: Record<string, unknown>;
  readonly headers?: Record<string, string>;
}

async function send(path: string, { body, headers = {} }: Sent, at = server) {
  const isJson = headers['Content-Type'] === 'application/json';
  const encoded = isJson ? JSON.stringify(body) : new URLSearchParams(body as Record<string, string>);
  const answer = await fetch(at.issuer + path, { method: 'POST', body: encoded, headers });
  const text = await answer.text();
  const parsed = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>;
  return { ...parsed, status: answer.status } as { status: number; access_token: string; [name: string]: unknown };
}

const own = { grant_type: 'client_credentials', audience: 'api' };
const json = { 'Content-Type': 'application/json' };
const basic = (credentials: string) => ({ Authorization: `Basic ${btoa(credentials)}` });

async function assertion(sub: string, key = 'a key that nobody registered, and long enough') {
  const secret = new TextEncoder().encode(key);
  return {
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ iss: sub, sub, aud: server.issuer, jti: crypto.randomUUID() })
      .setProtectedHeader({ alg: 'HS256' })
      .setExpirationTime('1m')
      .sign(secret),
  };
}

/** Authentication of clients that nobody configured, and the `client_id` of the token. */
const AUTHENTICATION: [string, () => Promise<Sent> | Sent, string][] = [
  ['no client at all', () => ({ body: own }), 'anonymous'],
  ['no client at all, in JSON', () => ({ body: own, headers: json }), 'anonymous'],
  ['an empty secret in the header', () => ({ body: own, headers: basic('an-app:') }), 'an-app'],
  ['an encoded client id and an empty secret', () => ({ body: own, headers: basic('an%2Fapp:') }), 'an/app'],
  ['an assertion with an unknown key', async () => ({ body: { ...own, ...(await assertion('an-app')) } }), 'an-app'],
  [
    'an assertion and its client_id, in JSON',
    async () => ({ body: { ...own, client_id: 'an-app', ...(await assertion('an-app')) }, headers: json }),
    'an-app',
  ],
];

test.each(AUTHENTICATION)('a token request with %s', async (_what, make, client) => {
  const sent = await make();
  const answer = await send('/token', sent);
  expect(answer.status).toBe(200);
  expect(decodeJwt(answer.access_token)).toMatchObject({ client_id: client, aud: 'api' });
  expect((await send('/token', sent, strict)).status).toBeGreaterThanOrEqual(400);
});

describe('a configured client must authenticate', () => {
  const resource = 'https://api.example.com/jwt';
  test.each<[string, () => Promise<Sent> | Sent]>([
    ['with an empty secret', () => ({ body: { ...own, audience: resource }, headers: basic('service:') })],
    ['with an unknown key', async () => ({ body: { ...own, audience: resource, ...(await assertion('service')) } })],
    ['with only its id', () => ({ body: { ...own, audience: resource, client_id: 'service' } })],
  ])('%s it cannot', async (_how, make) => {
    expect(await send('/token', await make())).toMatchObject({ status: 401, error: 'invalid_client' });
  });
});

test('a configured client authenticates with the assertion under its own key only', async () => {
  const request = async (key?: string) => ({ body: { ...own, ...(await assertion('bank', key)) } });
  expect(await send('/token', await request(SECRET))).toMatchObject({ status: 200 });
  expect(await send('/token', await request())).toMatchObject({ status: 401, error: 'invalid_client' });
});

test('takes the audience from aud, as oauth2-mock-server does', async () => {
  const answer = await send('/token', { body: { grant_type: 'client_credentials', aud: 'an api' } });
  expect(decodeJwt(answer.access_token).aud).toBe('an api');
  const both = await send('/token', { body: { grant_type: 'client_credentials', aud: 'an api', audience: 'another' } });
  expect(decodeJwt(both.access_token).aud).toBe('another');
});

test('takes an authorization request without a client, and its code without one', async () => {
  const redirect_uri = 'https://app.example.com/callback';
  const query = new URLSearchParams({ response_type: 'code', scope: 'openid', redirect_uri });
  const browser = createBrowser(server);
  const start = await open(browser, `${server.issuer}/auth?${query}`);
  const callback = await followToCallback(server, browser, start);
  const code = String(callback.searchParams.get('code'));
  const answer = await send('/token', { body: { grant_type: 'authorization_code', code, redirect_uri } });
  expect(decodeJwt(String(answer.id_token))).toMatchObject({ sub: 'alice', aud: 'anonymous' });
  expect((await fetch(`${strict.issuer}/auth?${query}`, { redirect: 'manual' })).status).toBe(400);
});

test.each<[string, Sent['headers']]>([
  ['no client', {}],
  ['JSON', json],
  ['the token as a bearer token', { Authorization: 'Bearer x' }],
])('introspection and revocation take %s', async (_what, headers = {}) => {
  const body = { ...own, audience: 'https://api.example.com/opaque' };
  const { access_token: token } = await send('/token', { body });
  expect(await send('/token/introspection', { body: { token }, headers })).toMatchObject({ active: true });
  const { Authorization: _, ...others } = headers;
  expect((await send('/token/revocation', { body: { token }, headers: others })).status).toBe(200);
  expect(await send('/token/introspection', { body: { token }, headers })).toMatchObject({ active: false });
});

test.each([
  ['a broken assertion', { client_assertion: 'x.y', client_assertion_type: 'z' }, {}],
  ['a Basic header that is not Base64', {}, { Authorization: 'Basic %%%' }],
  ['a Basic header with a broken encoding', {}, basic('%E0%A4%A:')],
  ['a bearer token at the token endpoint', {}, { Authorization: 'Bearer x' }],
])('%s is refused with an error of RFC 6749', async (_what, fields, headers) => {
  const answer = await send('/token', { body: { ...own, ...fields }, headers });
  expect([400, 401]).toContain(answer.status);
  expect(answer.error).toMatch(/^invalid_(request|client)$/);
});

describe('a plain PKCE challenge', () => {
  const verifier = 'plain-verifier-of-a-mock-user~'.repeat(2);

  test.each([{ code_challenge_method: 'plain' }, {}])('with %j works with its verifier only', async (method) => {
    const request = { client_id: 'an-app', scope: 'openid', code_challenge: verifier, ...method };
    const redeem = async (code_verifier: string | undefined) =>
      redeemCode(
        server,
        'an-app',
        await authorize(server, request),
        code_verifier ? { code_verifier } : { code_verifier: '' },
      );
    expect((await redeem(verifier)).id_token).toBeDefined();
    expect((await redeem(verifier.toUpperCase())).error).toBe('invalid_grant');
    expect((await redeem(undefined)).error).toBe('invalid_grant');
  });

  test.each<[string, () => TestServer, string]>([
    ['of a configured client', () => server, 'web'],
    ['at another issuer', () => strict, 'web'],
  ])('%s is refused', async (_whose, at, client_id) => {
    const challenge = { code_challenge: verifier, code_challenge_method: 'plain' };
    const { callback } = await authorize(at(), { client_id, scope: 'openid', ...challenge });
    expect(callback.searchParams.get('error')).toBe('invalid_request');
  });
});

test.each([
  ['id_token', 'id_token'],
  ['id_token token', 'access_token'],
  ['code id_token', 'code'],
])('the response type %s works with features.implicit only', async (response_type, name) => {
  const request = { client_id: 'an-app', response_type, scope: 'openid', nonce: 'n', audience: 'an api' };
  const answer = async (at: TestServer) => new URLSearchParams((await authorize(at, request)).callback.hash.slice(1));
  expect((await answer(implicit)).has(name)).toBe(true);
  expect((await answer(server)).get('error')).toBe('unsupported_response_type');
});
