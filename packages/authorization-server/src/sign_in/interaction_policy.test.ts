import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { open, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import { authorize, CHALLENGE, redeemCode } from '../testing/flow.ts';
import { startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const web = { grants: ['authorization_code', 'refresh_token'], redirectUris: [REDIRECT_URI] } as const;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer((config) => ({
    ...config,
    clients: [
      ...config.clients,
      testClient({ id: 'web', ...web }),
      testClient({ id: 'native', applicationType: 'native', ...web }),
      testClient({ id: 'always', consent: 'always', ...web }),
      testClient({ id: 'never', consent: 'never', ...web }),
      testClient({ id: 'automatic', automaticLogin: { user: 'alice' }, ...web }),
    ],
  }));
});
afterAll(() => server.stop());

const request = (client_id: string, more: Record<string, string> = {}) => ({
  client_id,
  scope: 'openid email offline_access',
  ...CHALLENGE,
  ...more,
});

describe.each(['web', 'native'])('a user of the %s client who is signed in and has consented', (id) => {
  test.each([{}, { prompt: 'none' }])('sees no page: %j', async (more) => {
    const { browser, pages } = await authorize(server, request(id));
    expect(pages).toEqual(['login', 'consent']);
    const again = await authorize(server, request(id, more as Record<string, string>), { browser });
    expect([again.pages, again.callback.searchParams.has('code')]).toEqual([[], true]);
  });

  test.each([
    ['login', ['login']],
    ['consent', ['consent']],
    ['select_account', ['login']],
    ['create', ['login']],
    ['select_account consent', ['login', 'consent']],
  ])('sees the pages of prompt=%s', async (prompt, expected) => {
    const { browser } = await authorize(server, request(id));
    expect((await authorize(server, request(id, { prompt }), { browser })).pages).toEqual(expected);
  });
});

test.each(['select_account', 'create'])('prompt=%s lets a signed-in user become another one', async (prompt) => {
  const { browser } = await authorize(server, request('web'));
  const other = await authorize(server, request('web', { prompt }), { browser, user: 'carol' });
  const { id_token } = await redeemCode(server, 'web', other);
  expect(decodeJwt(id_token).sub).toBe('carol');
});

test('discovery lists the prompts', async () => {
  const discovery = await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json();
  expect(discovery).toMatchObject({
    prompt_values_supported: expect.arrayContaining(['none', 'login', 'consent', 'select_account', 'create']),
  });
});

test.each([
  ['always', ['login', 'consent'], ['consent']],
  ['never', ['login'], []],
])('with consent: %s, users see %j at first and %j later', async (id, first, later) => {
  const { browser, pages } = await authorize(server, request(id));
  expect(pages).toEqual(first);
  expect((await authorize(server, request(id), { browser })).pages).toEqual(later);
});

test('with consent: never, prompt=consent still shows the page', async () => {
  expect((await authorize(server, request('never', { prompt: 'consent' }))).pages).toEqual(['login', 'consent']);
});

test('with consent: always, prompt=none is refused', async () => {
  const { browser } = await authorize(server, request('always'));
  const { callback } = await authorize(server, request('always', { prompt: 'none' }), { browser });
  expect(callback.searchParams.get('error')).toBe('consent_required');
});

test('automatic login needs no page, with offline_access too', async () => {
  const authorization = await authorize(server, request('automatic'));
  expect(authorization.pages).toEqual([]);
  expect((await redeemCode(server, 'automatic', authorization)).refresh_token).toBeDefined();
});

test.each([
  ['alice', []],
  ['carol', ['Stay signed in']],
])(
  'a logout with an ID token of %s ends the session of alice, with a question if it is of another user',
  async (user, asks) => {
    const hint = await redeemCode(server, 'web', await authorize(server, request('web'), { user }));
    const { browser } = await authorize(server, request('web'));
    const query = new URLSearchParams({ id_token_hint: hint.id_token });
    const page = await open(browser, `${server.issuer}/session/end?${query}`);
    expect(page.text.match(/Stay signed in/g) ?? []).toEqual(asks);
    if (asks.length > 0) return;
    expect(page.headers['content-security-policy']).not.toContain("script-src 'none'");
    const done = await submit(browser, page.text);
    expect(done.status).toBe(303);
    expect((await authorize(server, request('web', { prompt: 'none' }), { browser })).callback.search).toContain(
      'login_required',
    );
  },
);
