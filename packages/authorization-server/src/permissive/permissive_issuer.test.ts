import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createBrowser, open, submit } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import { startTestServer, type TestServer } from '../testing/test_server.ts';

let permissive: TestServer;
let strict: TestServer;
beforeAll(async () => {
  permissive = await startTestServer((config) => {
    const [first, ...others] = config.apis;
    const apis = [...(first ? [{ ...first, audience: ['orders', 'https://orders.example.com/'] }] : []), ...others];
    return { ...config, apis, permissive: true };
  });
  strict = await startTestServer();
});
afterAll(async () => {
  await permissive.stop();
  await strict.stop();
});

interface Answer {
  readonly status: number;
  readonly access_token: string;
  readonly refresh_token?: string;
  readonly scope?: string;
  readonly error?: string;
}

async function post(
  server: TestServer,
  path: string,
  body: string | URLSearchParams,
  headers: Record<string, string> = {},
) {
  const answer = await fetch(server.issuer + path, { method: 'POST', body, headers });
  const text = await answer.text();
  return { status: answer.status, ...(text === '' ? {} : JSON.parse(text)) } as Answer;
}

const ownToken = { grant_type: 'client_credentials', scope: 'anything else', audience: 'some audience' };
const basic = (credentials: string) => ({ Authorization: `Basic ${btoa(credentials)}` });
const json = { 'Content-Type': 'application/json' };
const form = (fields: Record<string, string>) => new URLSearchParams(fields);

/** Token requests of clients that nobody configured. */
const REQUESTS: [string, () => [string | URLSearchParams, Record<string, string>]][] = [
  ['no secret', () => [form({ ...ownToken, client_id: 'any-1' }), {}]],
  ['a secret in the form', () => [form({ ...ownToken, client_id: 'any-1', client_secret: 'x' }), {}]],
  ['a secret in the header', () => [form(ownToken), basic('any-1:whatever')]],
  ['a JSON body', () => [JSON.stringify({ ...ownToken, client_id: 'any-1', client_secret: 'x' }), json]],
];

test.each(REQUESTS)('serves an unknown client with %s, and a strict issuer refuses it', async (_what, request) => {
  const answer = await post(permissive, '/token', ...request());
  expect(answer).toEqual({ ...answer, status: 200, scope: 'anything else' });
  expect(decodeJwt(answer.access_token)).toMatchObject({
    aud: 'some audience',
    client_id: 'any-1',
    scope: 'anything else',
  });
  expect((await post(strict, '/token', ...request())).status).toBeGreaterThanOrEqual(400);
});

test.each([
  ['not JSON', '{'],
  ['a list', '[]'],
  ['a nested value', '{"grant_type":{"a":1}}'],
  ['too many parameters', JSON.stringify({ scope: Array.from({ length: 2000 }, () => 'a') })],
])('refuses a JSON token request that is %s', async (_what, body) => {
  expect(await post(permissive, '/token', body, json)).toMatchObject({ status: 400, error: 'invalid_request' });
});

test('requires the secret of a configured client', async () => {
  const resource = 'https://api.example.com/jwt';
  const request = () => form({ grant_type: 'client_credentials', resource });
  expect((await post(permissive, '/token', request(), basic('service:wrong'))).status).toBe(401);
  expect((await post(permissive, '/token', request(), basic('service:service-secret'))).status).toBe(200);
});

test.each(['urn:tallystick:audience:orders', 'https://orders.example.com/', 'https://x.example.com/#a', 'no URI'])(
  'refuses the resource %s',
  async (resource) => {
    const request = form({ grant_type: 'client_credentials', client_id: 'any-1', resource });
    expect(await post(permissive, '/token', request)).toMatchObject({ status: 400, error: 'invalid_target' });
  },
);

test('does not give the name of a configured API to another one', async () => {
  const resource = `urn:tallystick:audience:${encodeURIComponent('https://api.example.com/phantom')}`;
  const request = form({ grant_type: 'client_credentials', client_id: 'any-1', resource });
  expect(decodeJwt((await post(permissive, '/token', request)).access_token).aud).toBe(resource);
});

test.each([
  ['a space', 'a b'],
  ['256 characters', 'x'.repeat(256)],
])('refuses a client id with %s', async (_what, id) => {
  expect((await post(permissive, '/token', form({ ...ownToken, client_id: id }))).status).toBe(401);
});

describe('an authorization request', () => {
  const url = (server: TestServer, redirectUri: string) =>
    `${server.issuer}/auth?${form({
      client_id: 'any-app',
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid offline_access stuff',
      resource: 'https://anything.example.com/',
      state: 's',
    })}`;

  test('signs any user in without PKCE and consent, and says that the issuer is permissive', async () => {
    const browser = createBrowser(permissive);
    const { headers } = await open(browser, url(permissive, 'https://app.example.com/cb?x=1'));
    const page = await open(browser, new URL(String(headers.location), permissive.issuer));
    expect(page.text).toContain('This issuer is permissive');
    let answer = await submit(browser, page.text, { user: 'someone' });
    for (let hop = 0; hop < 6; hop++) {
      const location = new URL(String(answer.headers.location), permissive.issuer);
      if (location.origin !== permissive.issuer) break;
      answer = await open(browser, location);
    }
    const callback = new URL(String(answer.headers.location));
    expect(callback.origin + callback.pathname).toBe('https://app.example.com/cb');
    const code = callback.searchParams.get('code') ?? '';
    const redirect_uri = 'https://app.example.com/cb?x=1';
    const redeemed = await post(
      permissive,
      '/token',
      form({ grant_type: 'authorization_code', code, redirect_uri, client_id: 'any-app', client_secret: 'z' }),
    );
    expect(redeemed).toMatchObject({ status: 200, scope: expect.stringContaining('stuff') });
    expect(decodeJwt(redeemed.access_token)).toMatchObject({ sub: 'someone', aud: 'https://anything.example.com/' });
    const refresh_token = String(redeemed.refresh_token);
    const refreshed = await post(
      permissive,
      '/token',
      form({ grant_type: 'refresh_token', refresh_token, client_id: 'any-app' }),
    );
    expect(refreshed).toMatchObject({ status: 200, scope: expect.stringContaining('stuff') });
    // Mocks do not rotate refresh tokens.
    expect(refreshed.refresh_token).toBe(refresh_token);
    const other = await post(
      permissive,
      '/token',
      form({ grant_type: 'refresh_token', refresh_token: String(refreshed.refresh_token), client_id: 'another-app' }),
    );
    expect(other).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  test.each(['javascript:alert(1)', 'data:text/html,x', 'https://app.example.com/#x'])(
    'refuses the redirect URI %s',
    async (redirectUri) => {
      const answer = await fetch(url(permissive, redirectUri), { redirect: 'manual' });
      expect(answer.status).toBe(400);
      expect(answer.headers.get('location')).toBeNull();
    },
  );

  test('is refused by a strict issuer', async () => {
    expect((await fetch(url(strict, 'https://app.example.com/cb'), { redirect: 'manual' })).status).toBe(400);
  });
});

test('lets pages of this machine call it, and no others', async () => {
  const allowed = async (origin: string) => {
    const answer = await fetch(`${permissive.issuer}/token`, {
      method: 'POST',
      body: form({ ...ownToken, client_id: 'any-1' }),
      headers: { Origin: origin },
    });
    return answer.headers.get('access-control-allow-origin');
  };
  expect(await allowed('http://localhost:5173')).toBe('http://localhost:5173');
  expect(await allowed('https://evil.example.com')).toBeNull();
});

test('discovery names a page that says it', async () => {
  const metadata = async (server: TestServer) =>
    (await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json()) as { op_policy_uri?: string };
  const { op_policy_uri: page } = await metadata(permissive);
  expect(await (await fetch(String(page))).text()).toContain('accepts every client');
  expect(await metadata(strict)).not.toHaveProperty('op_policy_uri');
});
