import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StoreUnavailableError, type TokenStore, tokenKey } from '@tallystick/token-store';
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { WrongClientError } from './clients/clients.ts';
import { signIn } from './testing/sign_in.ts';
import {
  resourceOf,
  STYLES,
  silent,
  startTestServer,
  type TestServer,
  testClient,
  withWebClients,
} from './testing/test_server.ts';

const REFERENCE_STYLES = STYLES.filter((style) => style !== 'jwt');

let server: TestServer;
let issuer: string;
let store: TokenStore;

beforeEach(async () => {
  server = await startTestServer(withWebClients);
  ({ issuer, store } = server);
});
afterEach(() => server.stop());

function post(
  path: string,
  form: string | Record<string, string>,
  headers: Record<string, string> = {},
  as = 'service',
) {
  return fetch(issuer + path, {
    method: 'POST',
    headers: {
      Authorization: `Basic ${btoa(`${as}:${as}-secret`)}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: typeof form === 'string' ? form : new URLSearchParams(form),
  });
}

async function issue(style: string): Promise<string> {
  const answer = await post('/token', { grant_type: 'client_credentials', resource: resourceOf(style), scope: 'read' });
  const { access_token } = (await answer.json()) as { access_token: string };
  return access_token;
}

const introspect = (token: string, accept: string) =>
  post('/token/introspection', { token }, { Accept: accept }, 'gateway');

async function publicKeys() {
  return createLocalJWKSet((await (await fetch(`${issuer}/jwks`)).json()) as Parameters<typeof createLocalJWKSet>[0]);
}

describe('the token that the client receives', () => {
  test('a jwt token is a JWT for the API (RFC 9068)', async () => {
    const token = await issue('jwt');
    const { payload } = await jwtVerify(token, await publicKeys(), {
      issuer,
      audience: resourceOf('jwt'),
      typ: 'at+jwt',
    });
    expect(payload).toMatchObject({ scope: 'read', client_id: 'service', sub: 'service', jti: expect.any(String) });
  });

  test.each(REFERENCE_STYLES)('a %s token reveals nothing', async (style) => {
    const token = await issue(style);
    expect(token).toMatch(/^[\w-]{43,}$/);
    expect(() => decodeProtectedHeader(token)).toThrow();
    expect(Buffer.from(token, 'base64url').toString()).not.toContain('service');
  });
});

describe('the introspection endpoint', () => {
  test.each(REFERENCE_STYLES)('returns the JWT of a %s token, cacheable until the token expires', async (style) => {
    const token = await issue(style);
    const answer = await introspect(token, 'application/jwt');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('application/jwt');
    expect(answer.headers.get('cache-control')).toBe('max-age=60');
    const jwt = await answer.text();
    const { payload } = await jwtVerify(jwt, await publicKeys(), {
      issuer,
      audience: resourceOf(style),
      typ: 'at+jwt',
    });
    expect(payload.jti).not.toBe(token);
    expect(payload.jti).not.toBe(tokenKey(token));
    expect(jwt.includes(token)).toBe(style === 'split');
  });

  test('returns exactly the JWT that was split', async () => {
    const token = await issue('split');
    const jwt = await (await introspect(token, 'application/jwt')).text();
    expect(jwt).toBe(`${await store.splitEntries.find(token)}.${token}`);
  });

  test('renders a phantom token with the same claims each time', async () => {
    const token = await issue('phantom');
    const [first, second] = await Promise.all(
      [0, 1].map(async () => (await introspect(token, 'application/jwt')).text()),
    );
    expect(decodeJwt(String(first))).toEqual(decodeJwt(String(second)));
  });

  test('answers 204 without caching for an inactive token', async () => {
    const answer = await introspect('A'.repeat(43), 'application/jwt');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(await answer.text()).toBe('');
  });

  test.each(REFERENCE_STYLES)('describes a %s token as JSON (RFC 7662)', async (style) => {
    const token = await issue(style);
    const answer = await introspect(token, 'application/json');
    const text = await answer.text();
    expect(JSON.parse(text)).toMatchObject({
      active: true,
      client_id: 'service',
      aud: resourceOf(style),
      scope: 'read',
      iss: issuer,
    });
    expect(text).not.toContain(token);
  });

  test('signs the introspection response on request (RFC 9701)', async () => {
    const answer = await introspect(await issue('phantom'), 'application/token-introspection+jwt');
    expect(answer.headers.get('content-type')).toContain('application/token-introspection+jwt');
    const { payload, protectedHeader } = await jwtVerify(await answer.text(), await publicKeys(), { issuer });
    expect(protectedHeader.typ).toBe('token-introspection+jwt');
    expect(payload.token_introspection).toMatchObject({ active: true });
  });

  test('reveals nothing to a client without permission to introspect', async () => {
    const answer = await post('/token/introspection', { token: await issue('phantom') });
    expect(await answer.json()).toEqual({ active: false });
    const asJwt = await post('/token/introspection', { token: await issue('phantom') }, { Accept: 'application/jwt' });
    expect(asJwt.status).toBe(204);
  });
});

test.each(['phantom', 'split'])('revoking a %s token removes it and its split entry from the store', async (style) => {
  const token = await issue(style);
  const answer = await post('/token/revocation', { token });
  // Clients such as oidc-client-ts and simple-oauth2 refuse text/plain.
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    expect.stringMatching(/^application\/json/),
    '{}',
  ]);
  expect((await introspect(token, 'application/jwt')).status).toBe(204);
  expect(await store.splitEntries.find(token)).toBeUndefined();
});

describe('when the store fails', () => {
  /** Makes the store refuse commits. */
  function refuseCommits() {
    const begin = store.begin.bind(store);
    store.begin = (secret) => ({
      ...begin(secret),
      commit: async () => {
        throw new StoreUnavailableError('no');
      },
    });
    return () => {
      store.begin = begin;
    };
  }

  test('no token is issued', async () => {
    refuseCommits();
    const answer = await post('/token', { grant_type: 'client_credentials', resource: resourceOf('split') });
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
  });

  test('the log names the store', async () => {
    const warnings: string[] = [];
    await server.stop();
    server = await startTestServer(withWebClients, {
      log: { ...silent, warn: (_fields, message) => void warnings.push(message) },
    });
    ({ issuer, store } = server);
    refuseCommits();
    await post('/token', { grant_type: 'client_credentials', resource: resourceOf('split') });
    expect(warnings).toEqual(['refused: the token store is not available']);
  });

  test('the refresh token is not consumed, and works once the store is available again', async () => {
    const refreshToken = String((await signIn(server, 'split')).refresh_token);
    const form = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'web', refresh_token: refreshToken });
    const refresh = () => fetch(`${issuer}/token`, { method: 'POST', body: form });
    const restore = refuseCommits();
    expect((await refresh()).status).toBe(503);
    expect((await refresh()).status).toBe(503);
    restore();
    expect((await refresh()).status).toBe(200);
    expect((await refresh()).status).toBe(400);
  });
});

test.each([
  ['an unknown resource', 'grant_type=client_credentials&resource=https://api.example.com/none', 'invalid_target'],
  [
    'several resources',
    `grant_type=client_credentials&resource=${resourceOf('jwt')}&resource=${resourceOf('split')}`,
    'invalid_target',
  ],
  ['no resource', 'grant_type=client_credentials', 'invalid_target'],
  [
    'a scope twice',
    `grant_type=client_credentials&resource=${resourceOf('jwt')}&scope=read&scope=write`,
    'invalid_request',
  ],
  ['an unknown grant', 'grant_type=magic', 'unsupported_grant_type'],
])('a token request with %s is refused', async (_what, form, error) => {
  const answer = await post('/token', form);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error });
});

test('the gateway client may only introspect', async () => {
  const answer = await post('/token', { grant_type: 'client_credentials', resource: resourceOf('jwt') }, {}, 'gateway');
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: 'unauthorized_client' });
});

test('two authorization servers on one store sign with the same keys', async () => {
  const before = await (await fetch(`${issuer}/jwks`)).json();
  await server.replaceWithAnother();
  expect(await (await fetch(`${issuer}/jwks`)).json()).toEqual(before);
});

test.each(['openid-configuration', 'oauth-authorization-server'])('%s describes the server', async (document) => {
  const metadata = (await (await fetch(`${issuer}/.well-known/${document}`)).json()) as Record<string, unknown>;
  expect(metadata).toMatchObject({
    issuer,
    introspection_endpoint: `${issuer}/token/introspection`,
    revocation_endpoint: `${issuer}/token/revocation`,
    code_challenge_methods_supported: ['S256'],
    response_types_supported: ['code'],
  });
});

test('a token request needs a form and a known client', async () => {
  const wrongType = await post('/token', '{}', { 'Content-Type': 'application/json' });
  expect([wrongType.status, (await wrongType.json()) as object]).toEqual([
    400,
    expect.objectContaining({ error: 'invalid_request' }),
  ]);
  const unknown = await post('/token', { grant_type: 'client_credentials' }, {}, 'nobody');
  expect([unknown.status, (await unknown.json()) as object]).toEqual([
    401,
    expect.objectContaining({ error: 'invalid_client' }),
  ]);
});

test('a reference token keeps the claims from its issuance after the configuration changes', async () => {
  const { access_token: token } = await signIn(server, 'phantom');
  const { current, replace } = server.configuration;
  await replace({ ...current(), users: [{ id: 'alice', claims: { email: 'changed@example.com' } }] });
  const jwt = await (await introspect(token, 'application/jwt')).text();
  expect(decodeJwt(jwt)).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
});

describe('the configuration', () => {
  test('can be replaced while the server runs', async () => {
    const { current, replace } = server.configuration;
    const added = testClient({ id: 'added', secret: 'added-secret', grants: ['client_credentials'] });
    const form = { grant_type: 'client_credentials', resource: resourceOf('jwt') };
    expect((await post('/token', form, {}, 'added')).status).toBe(401);
    await replace({ ...current(), clients: [...current().clients, added] });
    expect((await post('/token', form, {}, 'added')).status).toBe(200);
    await replace({ ...current(), clients: current().clients.filter(({ id }) => id !== 'added') });
    expect((await post('/token', form, {}, 'added')).status).toBe(401);
  });

  test('stays in use if its replacement is invalid', async () => {
    const { current, replace } = server.configuration;
    const wrong = testClient({ id: 'wrong', secret: 'x', metadata: { token_endpoint_auth_method: 'magic' } });
    await expect(replace({ ...current(), clients: [wrong] })).rejects.toThrow(WrongClientError);
    expect(current().clients.map(({ id }) => id)).not.toContain('wrong');
    expect(await issue('phantom')).toBeDefined();
  });

  test.each([
    ['id_token_signed_response_alg', 'RS256'],
    ['userinfo_signed_response_alg', 'PS256'],
    ['introspection_signed_response_alg', 'EdDSA'],
    ['authorization_signed_response_alg', 'RS256'],
  ])('accepts a new client with another algorithm, as at start: %s', async (name, algorithm) => {
    const { current, replace } = server.configuration;
    const wanting = testClient({ id: 'wanting', secret: 'wanting-secret', metadata: { [name]: algorithm } });
    await replace({ ...current(), clients: [...current().clients, wanting] });
    const published = await server.keys.list();
    expect(published.map((key) => [key.algorithm, key.status])).toEqual([
      ['ES256', 'signing'],
      [algorithm, 'signing'],
    ]);
  });

  test('makes no keys for a refused client', async () => {
    const { current, replace } = server.configuration;
    const metadata = { id_token_signed_response_alg: 'RS256', token_endpoint_auth_method: 'magic' };
    const wrong = testClient({ id: 'wrong', secret: 'x', metadata });
    const before = await (await fetch(`${issuer}/jwks`)).json();
    await expect(replace({ ...current(), clients: [wrong] })).rejects.toThrow(WrongClientError);
    expect(await (await fetch(`${issuer}/jwks`)).json()).toEqual(before);
    expect(await server.keys.list()).toHaveLength(1);
  });
});
