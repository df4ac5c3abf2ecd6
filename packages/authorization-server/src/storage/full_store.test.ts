import { createServer } from 'node:http';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Log } from '@tallystick/common';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { REDIRECT_URI } from '@tallystick/testing/sign_in';
import { openTokenStore, StoreUnavailableError, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { createAuthorizationServer } from '../create_authorization_server.ts';
import { resourceOf, SECRET, silent, testClient, testConfiguration } from '../testing/test_server.ts';

const service = { Authorization: `Basic ${btoa('service:service-secret')}` };
const server = createServer();
let listening: ListeningServer;
let store: TokenStore;
let issuer: string;
let held: string;
let warnings: string[] = [];
const log: Log = { ...silent, warn: (_fields, message) => void warnings.push(message) };

beforeEach(() => {
  warnings = [];
});

beforeAll(async () => {
  store = await openTokenStore(storeConfig({ maxEntries: 100, anonymous: { maxEntries: 5 } }));
  listening = await listen(server);
  issuer = listening.origin;
  const config = testConfiguration(issuer);
  const grants = ['authorization_code', 'device_code'] as const;
  const clients = [...config.clients, testClient({ id: 'app', grants, redirectUris: [REDIRECT_URI] })];
  const made = await createAuthorizationServer({ ...config, clients }, { store, log });
  server.on('request', made.handler);
  const { accessToken } = await made.issueToken({ client: 'service', api: resourceOf('phantom') });
  held = accessToken;
  await expect(fill()).rejects.toThrow(StoreUnavailableError);
});
afterAll(async () => {
  await listening.stop();
  await store.close();
});

async function fill() {
  for (let count = 0; ; count++) await store.records('AccessToken', SECRET).upsert(`token ${count}`, {}, 60);
}

const authorization = () => ({
  client_id: 'app',
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: 'openid',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
});

const form = (fields: Record<string, string>, headers = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(fields),
  headers,
});

test.each<[string, string, () => RequestInit]>([
  [
    'a registration',
    '/reg',
    () => ({
      method: 'POST',
      body: JSON.stringify({ redirect_uris: [REDIRECT_URI] }),
      headers: { 'Content-Type': 'application/json' },
    }),
  ],
  ['a pushed request', '/request', () => form(authorization())],
  ['a request for a device', '/device/auth', () => form({ client_id: 'app', scope: 'openid' })],
  ...(['opaque', 'phantom', 'split'] as const).map((style): [string, string, () => RequestInit] => [
    `a token request (${style})`,
    '/token',
    () => form({ grant_type: 'client_credentials', resource: resourceOf(style) }, service),
  ]),
])('a full store makes the server refuse %s with 503 temporarily_unavailable', async (_what, path, init) => {
  const answer = await fetch(issuer + path, init());
  expect(answer.status).toBe(503);
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
  expect(await answer.json()).toEqual({ error: 'temporarily_unavailable', error_description: expect.any(String) });
});

test.each([
  ['a page with a session', '/session/end'],
  ['the page for devices', '/device'],
])('a full store makes the server refuse %s with a 503 page', async (_what, path) => {
  const answer = await fetch(issuer + path, { redirect: 'manual' });
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('temporarily_unavailable');
  expect(warnings).toEqual(['refused: the token store is not available']);
});

test('a full store ends a sign-in with an error response to the client', async () => {
  const answer = await fetch(`${issuer}/auth?${new URLSearchParams(authorization())}`, { redirect: 'manual' });
  expect(answer.status).toBe(303);
  const { origin, pathname, searchParams } = new URL(String(answer.headers.get('location')));
  expect(origin + pathname).toBe(REDIRECT_URI);
  expect(searchParams.get('error')).toBe('temporarily_unavailable'); // RFC 6749 section 4.1.2.1
});

test('a full store still introspects and revokes its tokens', async () => {
  const introspect = async () => {
    const answer = await fetch(`${issuer}/token/introspection`, form({ token: held }, gateway));
    return (await answer.json()) as { active: boolean };
  };
  const gateway = { Authorization: `Basic ${btoa('gateway:gateway-secret')}`, Accept: 'application/json' };
  expect(await introspect()).toMatchObject({ active: true });
  expect((await fetch(`${issuer}/token/revocation`, form({ token: held }, service))).status).toBe(200);
  expect(await introspect()).toEqual({ active: false });
});
