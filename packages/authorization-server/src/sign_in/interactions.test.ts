import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Browser, cookiesOf, createBrowser, open } from '@tallystick/testing/sign_in';
import { decodeJwt } from 'jose';
import { WrongUserError } from '../clients/client_names.ts';
import { authorizationUrl, openLogin, signIn, signInAutomatically } from '../testing/sign_in.ts';
import { startTestServer, type TestServer, testClient, withWebClients } from '../testing/test_server.ts';

let server: TestServer;
let browser: Browser;
beforeEach(async () => {
  server = await startTestServer(withWebClients);
  browser = createBrowser(server);
});
afterEach(() => server.stop());

describe('a user who is not configured', () => {
  test('can be entered, with claims for the access token', async () => {
    const claims = '{"role": "auditor", "email": "carol@example.com"}';
    const { access_token: token } = await signIn(server, 'jwt', { user: 'carol', claims });
    expect(decodeJwt(token)).toMatchObject({ sub: 'carol', role: 'auditor', email: 'carol@example.com' });
  });

  test('has added claims only in tokens of this sign-in', async () => {
    const { access_token: added } = await signIn(server, 'jwt', { user: 'alice', claims: '{"role": "auditor"}' });
    expect(decodeJwt(added)).toMatchObject({ sub: 'alice', role: 'auditor', email: 'alice@example.com' });
    expect(decodeJwt((await signIn(server, 'jwt')).access_token)).not.toHaveProperty('role');
  });

  test.each([
    ['no name', { user: '' }, 'The user name must have'],
    ['a name with a space', { user: 'carol ann' }, 'The user name must have'],
    ['the name of a client', { user: 'service' }, 'This is the identifier of a client'],
    ['claims that are not JSON', { user: 'carol', claims: '{role' }, 'must be a JSON object'],
    ['claims that are not an object', { user: 'carol', claims: '["role"]' }, 'must be a JSON object'],
    [
      'claims that the server sets',
      { user: 'carol', claims: '{"sub": "alice", "scope": "write"}' },
      'The server sets sub itself.',
    ],
    ['another authentication context', { user: 'carol', claims: '{"acr": "high"}' }, 'The server sets acr itself.'],
    ['another way to sign in', { user: 'carol', claims: '{"amr": ["hwk"]}' }, 'The server sets amr itself.'],
    ['another time', { user: 'carol', claims: '{"auth_time": 1}' }, 'The server sets auth_time itself.'],
    [
      'a constructor',
      { user: 'carol', claims: '{"constructor": {}}' },
      'constructor is not allowed as the name of a claim.',
    ],
    [
      'a prototype',
      { user: 'carol', claims: '{"__proto__": {"admin": true}}' },
      '__proto__ is not allowed as the name of a claim.',
    ],
    [
      'a nested prototype',
      { user: 'carol', claims: '{"a": [{"__proto__": 1}]}' },
      'a.0.__proto__ is not allowed as the name of a claim.',
    ],
    ['deeply nested claims', { user: 'carol', claims: `{"a":${'['.repeat(1000)}${']'.repeat(1000)}}` }, 'too deeply'],
    [
      'the name of a metadata document',
      { user: 'https://client.example.com/me' },
      'This is the identifier of a client',
    ],
  ])('sees the form again after entering %s', async (_what, form, problem) => {
    const page = await openLogin(server, browser, 'phantom');
    const answer = await open(browser, `${page}/login`, form);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(problem);
    expect((await open(browser, `${page}/login`, { user: 'alice' })).status).toBe(303);
  });
});

test('a user cannot have the identifier of a registered client', async () => {
  const registration = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://client.example.com/callback'] }),
  });
  const { client_id: user } = (await registration.json()) as { client_id: string };
  const page = await openLogin(server, browser, 'phantom');
  const answer = await open(browser, `${page}/login`, { user });
  expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('This is the identifier of a client')]);
  const { current, replace } = server.configuration;
  const users = [...current().users, { id: user, claims: {} }];
  await expect(replace({ ...current(), users })).rejects.toThrow(WrongUserError);
  expect(current().users).not.toEqual(users);
});

test('an entered user no longer exists once a client with the same identifier is configured', async () => {
  await signIn(server, 'jwt', { user: 'carol' });
  const { current, replace } = server.configuration;
  await replace({ ...current(), clients: [...current().clients, testClient({ id: 'carol', secret: 'secret' })] });
  const automatic = authorizationUrl(server, 'jwt', { client_id: 'ci', login_hint: 'carol' });
  const answer = await open(browser, automatic);
  const page = await open(browser, new URL(String(answer.headers.location), server.issuer).href);
  expect(page.text).toContain('<h1>Sign in</h1>');
});

test('claims can have inherited property names, except for refused ones', async () => {
  const { constructor: _, ...inherited } = Object.getOwnPropertyDescriptors(Object.prototype);
  const names = ['then', 'toJSON', 'length', ...Object.keys(inherited)].filter((name) => name !== '__proto__');
  const claims = JSON.stringify(Object.fromEntries(names.map((name) => [name, {}])));
  for (const user of ['__proto__', 'constructor', 'toString']) {
    const { access_token: token } = await signIn(server, 'jwt', { user, claims });
    expect(decodeJwt(token)).toMatchObject({ sub: user, toJSON: {}, valueOf: {}, hasOwnProperty: {} });
  }
});

describe('a client with automatic login', () => {
  const automatic = (more: Record<string, string> = {}) =>
    authorizationUrl(server, 'jwt', { client_id: 'ci', ...more });

  test('signs in the configured user without a page', async () => {
    expect(decodeJwt((await signInAutomatically(server, 'jwt')).access_token).sub).toBe('alice');
  });

  test('signs in the user of the login_hint, if it exists', async () => {
    await signIn(server, 'jwt', { user: 'carol' });
    const { access_token: token } = await signInAutomatically(server, 'jwt', { login_hint: 'carol' });
    expect(decodeJwt(token).sub).toBe('carol');
  });

  test.each([
    ['an unknown login_hint', { login_hint: 'mallory' }, 'Sign in'],
    ['prompt=login', { prompt: 'login' }, 'Sign in'],
  ])('shows the page for %s', async (_what, more, title) => {
    const answer = await open(browser, automatic(more as Record<string, string>));
    const page = await open(browser, new URL(String(answer.headers.location), server.issuer).href);
    expect(page.text).toContain(`<h1>${title}</h1>`);
  });

  test('shows the consent page for prompt=consent, and no page for prompt=none', async () => {
    let answer = await open(browser, automatic({ prompt: 'consent' }));
    for (let step = 0; answer.status === 303 && step < 6; step++) {
      answer = await open(browser, new URL(String(answer.headers.location), server.issuer).href);
    }
    const page = answer.text;
    expect(page).toMatch(/<h1>Allow/);
    // The page lists the API's scope once, with the API.
    expect(page).toContain('<strong>openid</strong>');
    expect(page.match(/<strong>[^<]*read[^<]*<\/strong>/g)).toEqual(['<strong>read</strong>']);
    const none = await open(createBrowser(server), automatic({ prompt: 'none' }));
    expect(new URL(String(none.headers.location)).searchParams.get('error')).toBe('login_required');
  });
});

test('the consent page lists the claims of the user that each scope and API brings', async () => {
  const scope = 'openid profile email read';
  const start = await open(browser, authorizationUrl(server, 'split', { scope }));
  const login = new URL(String(start.headers.location), server.issuer).href;
  const claims = JSON.stringify({ nickname: 'Ally', role: 'auditor' });
  let answer = await open(browser, `${login}/login`, { user: 'alice', claims });
  while (answer.status === 303) answer = await open(browser, new URL(String(answer.headers.location), server.issuer));
  const text = answer.text.replace(/<[^>]+>/g, ' ').replace(/\s+/g, ' ');
  expect(text).toContain('openid who you are: your identifier profile nickname email email At ');
  expect(text).toContain(
    'The API learns your identifier, email, nickname, role. The application holds only the signature',
  );
});

test('the login page searches when there are many users', async () => {
  const { current, replace } = server.configuration;
  const more = Array.from({ length: 10 }, (_, index) => ({ id: `user-${index}`, claims: {} }));
  await replace({ ...current(), users: [...current().users, ...more] });
  const page = await openLogin(server, browser, 'phantom');
  const shown = async (query: string) =>
    [...(await open(browser, page + query)).text.matchAll(/name="user" value="([^"]+)"/g)].map(([, id]) => id);
  expect(await shown('')).toHaveLength(11);
  expect(await shown('?search=USER-7')).toEqual(['user-7']);
  expect(await shown('?search=user-7&search=user-8')).toHaveLength(11);
  expect(await shown('?search[a]=1')).toHaveLength(11);
});

test('the page of another sign-in is refused', async () => {
  const page = await openLogin(server, browser, 'phantom');
  const cookie = `_interaction=${page.split('/').at(-1)}`;
  const elsewhere = await openLogin(server, createBrowser(server), 'phantom');
  expect((await fetch(page, { headers: { Cookie: cookie } })).status).toBe(400); // Its signature is missing.
  const cookies = cookiesOf(browser, page);
  expect((await fetch(page, { headers: { Cookie: cookies } })).status).toBe(200);
  for (const path of [elsewhere, `${elsewhere}/login`]) {
    const form = path.endsWith('login') ? { user: 'alice' } : undefined;
    const answer = await open(browser, path, form, { Cookie: cookies });
    expect(answer.status).toBe(400);
  }
});

test('consent is refused before a user has signed in', async () => {
  const page = await openLogin(server, browser, 'phantom');
  expect((await open(browser, `${page}/consent`, {})).status).toBe(400);
});

test('cancelling sends the client access_denied', async () => {
  const page = await openLogin(server, browser, 'phantom');
  const answer = await open(browser, `${page}/abort`, {});
  const resumed = await open(browser, new URL(String(answer.headers.location), server.issuer).href);
  const { searchParams } = new URL(String(resumed.headers.location));
  expect(searchParams.get('error')).toBe('access_denied');
  expect(searchParams.get('error_description')).toBe('the user refused to sign in');
});

test.each([
  ['another method', 'PUT', '', 405],
  ['POST for a page', 'POST', '', 405],
  ['GET for a form', 'GET', '/login', 405],
])('%s is refused', async (_what, method, step, status) => {
  const page = await openLogin(server, browser, 'phantom');
  expect((await fetch(page + step, { method })).status).toBe(status);
});

test('a form that is too large and a body that is not a form are refused', async () => {
  const page = await openLogin(server, browser, 'phantom');
  expect((await open(browser, `${page}/login`, { user: 'x'.repeat(10_000) })).status).toBe(413);
  const json = await open(browser, `${page}/login`, { user: 'alice' }, { 'Content-Type': 'application/json' });
  expect(json.status).toBe(400);
});

test('pages are not cached, framed or scripted', async () => {
  const page = await openLogin(server, browser, 'phantom');
  const { headers } = await open(browser, page);
  expect(headers['cache-control']).toBe('no-store');
  expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
  expect(headers['referrer-policy']).toBe('no-referrer');
});
