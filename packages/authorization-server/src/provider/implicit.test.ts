import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, follow, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import { CHALLENGE } from '../testing/flow.ts';
import { resourceOf, STYLES, silent, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const redirectUris = [REDIRECT_URI];
const TYPES = ['id_token', 'id_token token', 'code id_token', 'code token', 'code id_token token'];

const warnings: string[] = [];
let on: TestServer;
let off: TestServer;
beforeAll(async () => {
  const log = { ...silent, warn: (_fields: object, message: string) => void warnings.push(message) };
  on = await startTestServer(
    (config) => ({
      ...config,
      features: { ...config.features, implicit: true },
      clients: [
        ...config.clients,
        testClient({ id: 'hybrid', grants: ['authorization_code', 'implicit'], redirectUris }),
        testClient({ id: 'implicit', grants: ['implicit'], redirectUris }),
        testClient({ id: 'code', grants: ['authorization_code'], redirectUris }),
      ],
    }),
    { log },
  );
  off = await startTestServer((config) => ({
    ...config,
    clients: [...config.clients, testClient({ id: 'code', grants: ['authorization_code'], redirectUris })],
  }));
});
afterAll(() => Promise.all([on.stop(), off.stop()]));

/** @returns the parameters of the authorization response in the fragment or the form */
async function authorize(server: TestServer, parameters: Record<string, string>): Promise<Record<string, string>> {
  const query = new URLSearchParams({
    redirect_uri: REDIRECT_URI,
    scope: 'openid email',
    nonce: 'n',
    ...CHALLENGE,
    ...parameters,
  });
  const browser = createBrowser(server);
  const end = await follow(server, browser, await open(browser, `${server.issuer}/auth?${query}`));
  if (end instanceof URL) return Object.fromEntries(new URLSearchParams(end.hash.slice(1)));
  const inputs = [...end.matchAll(/name="(\w+)" value="([^"]*)"/g)];
  return Object.fromEntries(inputs.map(([, name, value]) => [name, value]));
}

describe.each(['fragment', 'form_post'])('in the response mode %s', (response_mode) => {
  test.each(TYPES)('the response type %s returns what it names', async (response_type) => {
    const response = await authorize(on, { client_id: 'hybrid', response_type, response_mode });
    const names = response_type.split(' ').map((word) => (word === 'token' ? 'access_token' : word));
    expect(
      Object.keys(response)
        .filter((name) => /code|token$/.test(name))
        .sort(),
    ).toEqual(names.sort());
    if (response.id_token !== undefined)
      expect(decodeJwt(response.id_token)).toMatchObject({ nonce: 'n', email: 'alice@example.com' });
  });
});

test.each(STYLES)('an access token of the style %s is active, and reads userinfo', async (style) => {
  const request = { client_id: 'implicit', response_type: 'id_token token', resource: resourceOf(style) };
  const response = await authorize(on, { ...request, scope: 'openid email read' });
  expect(response.scope?.split(' ').sort()).toEqual(['email', 'openid', 'read']);
  const introspection = await fetch(`${on.issuer}/token/introspection`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('gateway:gateway-secret')}` },
    body: new URLSearchParams({ token: String(response.access_token) }),
  });
  expect(await introspection.json()).toMatchObject({ active: true, sub: 'alice', scope: 'read' });
  const userinfo = await fetch(`${on.issuer}/me`, { headers: { Authorization: `Bearer ${response.access_token}` } });
  expect(await userinfo.json()).toMatchObject({ sub: 'alice', email: 'alice@example.com' });
});

test.each([
  ['code', 'id_token', 'not allowed for this client'],
  ['implicit', 'code', 'not allowed for this client'],
  ['implicit', 'code id_token', 'not allowed for this client'],
  ['hybrid', 'token', 'response_type token is not supported'],
])('the client %s cannot use the response type %s', async (client_id, response_type, description) => {
  const query = new URLSearchParams({
    client_id,
    response_type,
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    nonce: 'n',
    ...CHALLENGE,
  });
  const { headers } = await fetch(`${on.issuer}/auth?${query}`, { redirect: 'manual' });
  expect(decodeURIComponent(String(headers.get('location'))).replaceAll('+', ' ')).toContain(description);
});

test('a missing nonce is refused', async () => {
  const response = await authorize(on, { client_id: 'implicit', response_type: 'id_token', nonce: '' });
  expect(response).toMatchObject({ error: 'invalid_request', error_description: expect.stringContaining('nonce') });
});

describe('while it is off', () => {
  test.each(TYPES)('the response type %s gets an error that names the setting', async (response_type) => {
    const response = await authorize(off, { client_id: 'code', response_type });
    expect(response).toMatchObject({
      error: 'unsupported_response_type',
      error_description: expect.stringContaining('features.implicit'),
    });
  });

  test('a client cannot register it, and is told the setting', async () => {
    const answer = await register(off);
    expect([answer.status, answer.error]).toEqual([400, 'invalid_client_metadata']);
    expect(answer.error_description).toContain('features.implicit');
  });
});

test('a client registers it while it is on, on localhost too at an issuer for development', async () => {
  expect(await register(on)).toMatchObject({ status: 201, grant_types: ['implicit'] });
});

async function register({ issuer }: TestServer): Promise<Record<string, unknown>> {
  const answer = await fetch(`${issuer}/reg`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      redirect_uris: ['http://localhost:3000/callback'],
      response_types: ['id_token'],
      grant_types: ['implicit'],
      token_endpoint_auth_method: 'none',
    }),
  });
  return { status: answer.status, ...((await answer.json()) as object) };
}

test('the log warns of it at the start', () => {
  expect(warnings).toEqual([expect.stringContaining('features.implicit')]);
});
