import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { textOfHtml } from '@tallystick/common/page';
import { createBrowser, open, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { CHALLENGE } from '../testing/flow.ts';
import { resourceOf, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

const LONG_SECRET = 'a-secret-of-the-configuration';

function withClients(config: AuthorizationServerConfig): AuthorizationServerConfig {
  const redirectUris = [REDIRECT_URI, 'http://localhost:3000/callback'];
  const grants = ['authorization_code', 'refresh_token'] as const;
  return {
    ...config,
    clients: [
      testClient({ id: 'orders-web', grants, redirectUris, postLogoutRedirectUris: ['http://localhost:3000/bye'] }),
      testClient({ id: 'bank', secret: LONG_SECRET, grants: ['client_credentials'] }),
      ...Array.from({ length: 20 }, (_, index) => testClient({ id: `client-${index}`, secret: LONG_SECRET })),
    ],
    apis: config.apis.map((api) => ({ ...api, authorizationDetailsTypes: ['payment'] })),
  };
}

let development: TestServer;
let production: TestServer;
beforeAll(async () => {
  development = await startTestServer(withClients);
  production = await startTestServer((config) => withClients({ ...config, issuer: 'https://as.example.com' }));
});
afterAll(async () => {
  await development.stop();
  await production.stop();
});

type Query = Readonly<Record<string, string>>;

const REQUEST = {
  client_id: 'orders-web',
  response_type: 'code',
  redirect_uri: REDIRECT_URI,
  scope: 'openid',
  ...CHALLENGE,
};

const { code_challenge: _, code_challenge_method: __, ...REQUEST_WITHOUT_PKCE } = REQUEST;

async function show(server: TestServer, path: string, query: Query | string, init: RequestInit = {}) {
  const url = `${server.issuer}${path}?${new URLSearchParams(query)}`;
  const answer = await fetch(url, { redirect: 'manual', ...init, headers: { Accept: 'text/html', ...init.headers } });
  return { status: answer.status, type: answer.headers.get('content-type'), page: await answer.text() };
}

/** Token requests and other forms that a browser could send. */
const posted = (form: Query, headers = {}): RequestInit => ({
  method: 'POST',
  body: new URLSearchParams(form),
  headers,
});
const basic = (id: string, secret: string) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` });
const credentials = { grant_type: 'client_credentials' };

interface Case {
  readonly what: string;
  readonly path: string;
  readonly query?: Query | string;
  readonly init?: RequestInit;
  readonly status?: number;
  /** Texts at every issuer. */
  readonly always: readonly string[];
  /** Texts that only a development issuer shows. */
  readonly development?: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: 'an unknown client',
    path: '/auth',
    query: { ...REQUEST, client_id: 'orders-wbe' },
    always: ['Unknown client', 'client_id=orders-wbe', 'What to do', 'invalid_client'],
    development: ['bank', 'client-0', 'and 12 more', 'Did you mean orders-web', 'clients: - id: orders-wbe'],
  },
  {
    what: 'no client',
    path: '/auth',
    query: { response_type: 'code' },
    always: ['The request has no client_id', 'response_type=code'],
    development: ['Configured clients', 'orders-web'],
  },
  {
    what: 'a wrong redirect URI',
    path: '/auth',
    query: { ...REQUEST, redirect_uri: 'http://127.0.0.1:3000/callback' },
    always: ['Wrong redirect URI', 'client_id=orders-web', 'redirect_uri=http://127.0.0.1:3000/callback'],
    development: [
      'Registered redirect URIs',
      REDIRECT_URI,
      'differs from http://127.0.0.1:53682/callback in the port',
      'redirectUris: ["http://127.0.0.1:3000/callback"]',
    ],
  },
  {
    what: 'a redirect URI with a slash more',
    path: '/auth',
    query: { ...REQUEST, redirect_uri: 'http://localhost:3000/callback/' },
    always: ['Wrong redirect URI'],
    development: ['differs from http://localhost:3000/callback in the slash at the end'],
  },
  {
    what: 'no redirect URI',
    path: '/auth',
    query: { client_id: 'orders-web', response_type: 'code' },
    always: ['The request has no redirect_uri', 'client_id=orders-web'],
    development: ['Registered redirect URIs', REDIRECT_URI],
  },
  {
    what: 'a client without the code grant',
    path: '/auth',
    query: { client_id: 'bank', response_type: 'code' },
    always: ['Response type not allowed', 'client_id=bank', 'response_type=code'],
    development: ['Response types of this client none', 'grants: [authorization_code, refresh_token]'],
  },
  {
    what: 'another response type',
    path: '/request',
    init: posted({ ...REQUEST, response_type: 'token' }),
    always: ['Response type not allowed', 'response_type=token', 'response_type=code'],
    development: ['Response types of this client code'],
  },
  {
    what: 'a request without PKCE',
    path: '/request',
    init: posted({ ...REQUEST_WITHOUT_PKCE }),
    always: ['PKCE is missing', 'code_challenge_method=S256'],
    development: ['pkce: optional'],
  },
  {
    what: 'a challenge without its method',
    path: '/request',
    init: posted({ ...REQUEST_WITHOUT_PKCE, code_challenge: CHALLENGE.code_challenge }),
    always: ['PKCE is incomplete', 'code_challenge_method=S256'],
  },
  {
    what: 'an unknown scope',
    path: '/request',
    init: posted({ ...REQUEST, scope: 'opneid' }),
    always: ['Scope not available', 'scope=opneid'],
    development: ['Available scopes', 'Did you mean openid', 'scopes: [opneid]'],
  },
  {
    what: 'an unknown API',
    path: '/request',
    init: posted({ ...REQUEST, resource: resourceOf('spilt') }),
    always: ['Unknown API', `resource=${resourceOf('spilt')}`],
    development: [
      'Configured APIs',
      `Did you mean ${resourceOf('split')}`,
      `apis: - resource: "${resourceOf('spilt')}"`,
    ],
  },
  {
    what: 'a request that names no API',
    path: '/request',
    init: posted({ ...REQUEST, scope: 'read' }),
    always: ['The request names no API', 'scope=read'],
    development: ['Configured APIs', 'defaultApi:'],
  },
  {
    what: 'authorization details of an unknown type',
    path: '/request',
    init: posted({ ...REQUEST, resource: resourceOf('jwt'), authorization_details: '[{"type":"rent"}]' }),
    always: ['Authorization details not accepted'],
    development: ['Configured types payment', 'authorizationDetailsTypes:'],
  },
  {
    what: 'a repeated parameter',
    path: '/auth',
    query: `${new URLSearchParams({ response_type: 'code' })}&client_id=orders-web&client_id=orders-web`,
    always: ['A parameter is repeated', 'Send each parameter once'],
  },
  {
    what: 'a pushed request that has expired',
    path: '/auth',
    query: { client_id: 'orders-web', request_uri: 'urn:ietf:params:oauth:request_uri:over' },
    always: ['This request has ended', 'Go back to the application and start again'],
  },
  {
    what: 'a sign-in that has ended',
    path: '/interaction/unknown',
    always: ['This sign-in has ended', 'Go back to the application and start again'],
  },
  {
    what: 'a sign-in that is resumed after its end',
    path: '/auth/unknown',
    always: ['This sign-in has ended', 'Go back to the application and start again'],
  },
  {
    what: 'a sign-out that has ended',
    path: '/session/end/confirm',
    init: posted({ xsrf: 'wrong', logout: 'yes' }),
    always: ['This sign-out has ended', 'sign out again'],
  },
  {
    what: 'a sign-out of an unknown client',
    path: '/session/end',
    query: { client_id: 'orders-wbe' },
    always: ['Unknown client', 'client_id=orders-wbe'],
    development: ['Did you mean orders-web'],
  },
  {
    what: 'a sign-out to an address that is not registered',
    path: '/session/end',
    query: { client_id: 'orders-web', post_logout_redirect_uri: 'http://localhost:3001/bye' },
    always: ['Wrong address after signing out', 'post_logout_redirect_uri=http://localhost:3001/bye'],
    development: ['differs from http://localhost:3000/bye in the port', 'postLogoutRedirectUris:'],
  },
  {
    what: 'an id_token_hint that is no JWT',
    path: '/session/end',
    query: { id_token_hint: 'content-of-the-hint' },
    always: ['The ID token is not accepted', 'leave id_token_hint out'],
  },
  {
    what: 'a device form without a session',
    path: '/device',
    init: posted({ xsrf: 'wrong', user_code: 'BCDF-GHJK' }),
    always: ['This page has expired', 'Open the page again'],
  },
  {
    what: 'a CIBA form of another session',
    path: '/ciba',
    init: posted({ user: 'alice' }),
    always: ['This page has expired', 'Open the page again'],
  },
  { what: 'a page that does not exist', path: '/nothing', status: 404, always: ['Page not found', 'Metadata'] },
  {
    what: 'another method',
    path: '/interaction/unknown',
    init: posted({}),
    status: 405,
    always: ['Method not allowed'],
  },
  {
    what: 'an unknown client at the token endpoint',
    path: '/token',
    init: posted(credentials, basic('nobody', 'guess')),
    status: 401,
    always: ['Client authentication failed', 'client_id=nobody'],
    development: ['This client is unknown', 'Configured clients'],
  },
  {
    what: 'a wrong secret',
    path: '/token',
    init: posted(credentials, basic('bank', 'guess-of-a-secret')),
    status: 401,
    always: ['Client authentication failed', 'client_id=bank'],
    development: ['The client is known, but its secret is wrong'],
  },
  {
    what: 'another authentication method',
    path: '/token',
    init: posted({ ...credentials, client_id: 'bank' }),
    status: 401,
    always: ['Client authentication failed', 'client_id=bank'],
    development: ['The client is configured for another authentication method', 'client_secret_basic'],
  },
];

describe.each(CASES)('the page of $what', ({ path, query = {}, init, status = 400, ...expected }) => {
  test('says what was sent, what is configured and what to do', async () => {
    const shown = await show(development, path, query, init);
    expect([shown.status, shown.type]).toEqual([status, expect.stringContaining('text/html')]);
    const text = textOfHtml(shown.page);
    for (const part of [...expected.always, ...(expected.development ?? [])]) expect(text).toContain(part);
    expect(text).not.toMatch(/cookie not found|session not found|a-secret-of|guess-of|content-of/);
  });

  test('says nothing about the configuration at an issuer that is not for development', async () => {
    const shown = await show(production, path, query, init);
    expect(shown.status).toBe(status);
    const text = textOfHtml(shown.page);
    for (const part of expected.always) expect(text).toContain(part);
    for (const part of expected.development ?? []) expect(text).not.toContain(part);
    expect(text).not.toMatch(/Configured|Registered|Available|Did you mean|In the configuration|client-0/);
  });
});

test.each([
  ['no PKCE', { code_challenge: '', code_challenge_method: '' }, 'invalid_request', /must use PKCE.*S256/],
  ['an unknown scope', { scope: 'nothing' }, 'invalid_scope', /at least one known scope: .*openid/],
  ['an unknown API', { resource: 'https://api.example.com/spilt' }, 'invalid_target', /not an API.*known: .*split/],
  ['another response type', { response_type: 'token' }, 'unsupported_response_type', /response_type/],
  ['a user who is not signed in', { prompt: 'none' }, 'login_required', /sign|interaction|End-User/i],
])('the error of %s goes to the client in the form of RFC 6749, and says why', async (_what, more, error, reason) => {
  const query = Object.entries({ ...REQUEST, ...more }).filter(([, value]) => value !== '');
  const answer = await fetch(`${development.issuer}/auth?${new URLSearchParams(query)}`, { redirect: 'manual' });
  const { search, hash, ...location } = new URL(String(answer.headers.get('location')));
  const given = new URLSearchParams(search || hash.slice(1));
  expect([answer.status, location.href ?? given.get('error')]).toEqual([303, error]);
  expect(given.get('error_description')).toMatch(reason);
});

test('a page shows a bounded part of what was sent, escaped, and no token', async () => {
  const token = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKl';
  for (const client_id of ['"><script>alert(1)</script>', `${'x y'.repeat(2000)}`, token, 'constructor', '__proto__']) {
    const { status, page } = await show(development, '/auth', { ...REQUEST, client_id, state: token, nonce: token });
    expect(status).toBe(400);
    expect(page).not.toContain('<script');
    expect(page).not.toContain('AbCdEf');
    expect(page.length).toBeLessThan(20_000);
  }
});

test('the pages of a finished sign-in have ended, for the back button and for a form that is sent twice', async () => {
  const browser = createBrowser(development);
  const pages: string[] = [];
  let answer = await open(browser, `${development.issuer}/auth?${new URLSearchParams(REQUEST)}`);
  while (new URL(String(answer.headers.location), development.issuer).origin === development.issuer) {
    const page = new URL(String(answer.headers.location), development.issuer).href;
    answer = await open(browser, page);
    if (answer.status !== 200) continue;
    pages.push(page);
    answer = await submit(browser, answer.text, { user: 'alice' });
  }
  expect(pages).toHaveLength(2);
  const [login, consent] = pages;
  for (const [page, form] of [
    [login, undefined],
    [`${login}/login`, { user: 'alice' }],
    [consent, undefined],
    [`${consent}/consent`, {}],
    [`${consent}/abort`, {}],
  ] as const) {
    const again = await open(browser, String(page), form, { Accept: 'text/html' });
    expect([again.status, again.text]).toEqual([400, expect.stringContaining('<h1>This sign-in has ended</h1>')]);
  }
});

test('JSON says it too', async () => {
  const answer = await fetch(`${development.issuer}/interaction/unknown`, { headers: { Accept: 'application/json' } });
  expect([answer.status, await answer.json()]).toEqual([
    400,
    {
      error: 'invalid_request',
      error_description: 'this sign-in has ended: go back to the application and start again',
    },
  ]);
});
