import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createBrowser, open, REDIRECT_URI } from '@tallystick/testing/sign_in';
import { authorize, CHALLENGE } from '../testing/flow.ts';
import { startTestServer, type TestServer, withWebClients } from '../testing/test_server.ts';

const FORM = 'application/x-www-form-urlencoded';
const REQUEST = { client_id: 'web', response_type: 'code', redirect_uri: REDIRECT_URI, scope: 'openid', ...CHALLENGE };

let servers: Record<'root' | 'path', TestServer>;
beforeAll(async () => {
  servers = {
    root: await startTestServer(withWebClients),
    path: await startTestServer(withWebClients, { path: '/as' }),
  };
});
afterAll(() => Promise.all(Object.values(servers).map((server) => server.stop())));

function post(endpoint: string, body: string, type = FORM): Promise<Response> {
  return fetch(servers.root.issuer + endpoint, {
    method: 'POST',
    body,
    headers: { 'Content-Type': type, Accept: 'application/json' },
    redirect: 'manual',
  });
}

test.each(['root', 'path'] as const)(
  'a posted authorization request becomes a link, with the issuer at the %s',
  async (at) => {
    const { issuer } = servers[at];
    const answer = await open(createBrowser({ issuer }), `${issuer}/auth`, REQUEST);
    expect([answer.status, answer.headers['set-cookie']]).toEqual([303, undefined]);
    const location = new URL(String(answer.headers.location));
    expect([location.origin + location.pathname, Object.fromEntries(location.searchParams)]).toEqual([
      `${issuer}/auth`,
      REQUEST,
    ]);
  },
);

test('a user who has signed in stays so, and the client gets a code', async () => {
  const server = servers.root;
  const { browser } = await authorize(server, REQUEST);
  const posted = await open(browser, `${server.issuer}/auth`, { ...REQUEST, prompt: 'none' });
  const { headers } = await open(browser, String(posted.headers.location));
  expect(new URL(String(headers.location)).searchParams.has('code')).toBe(true);
});

test('parameters in the URL of the form are part of the request, and may not be repeated', async () => {
  const rest = new URLSearchParams(REQUEST);
  rest.delete('client_id');
  const answer = await post('/auth?client_id=web', rest.toString());
  expect(Object.fromEntries(new URL(String(answer.headers.get('location'))).searchParams)).toEqual(REQUEST);
  const repeated = await post('/auth?scope=openid', new URLSearchParams(REQUEST).toString());
  const { headers } = await fetch(String(repeated.headers.get('location')), { redirect: 'manual' });
  expect(new URL(String(headers.get('location'))).searchParams.get('error')).toBe('invalid_request');
});

test.each([
  ['JSON', '/auth', JSON.stringify(REQUEST), 'application/json', 400, 'application/x-www-form-urlencoded'],
  ['a form with files', '/auth', '--x--', 'multipart/form-data; boundary=x', 400, 'application/x-www-form-urlencoded'],
  ['a request of 100 KB', '/auth', `state=${'s'.repeat(100_000)}`, FORM, 413, 'RFC 9126'],
  ['a request that is too long as a URL', '/auth', `state=${'"'.repeat(7000)}`, FORM, 413, 'RFC 9126'],
  ['too many parameters', '/auth', 'scope=openid&'.repeat(101), FORM, 400, '100 parameters'],
  ['a secret', '/auth', 'client_id=web&client_secret=hidden', FORM, 400, 'client_secret'],
  ['a logout that is too long as a URL', '/session/end', `state=${'"'.repeat(7000)}`, FORM, 413, 'id_token_hint'],
])('%s gets an OAuth error that says why', async (_what, endpoint, body, type, status, description) => {
  const answer = await post(endpoint, body, type);
  const { error, error_description } = (await answer.json()) as Record<string, string>;
  expect([answer.status, error, answer.headers.get('location')]).toEqual([status, 'invalid_request', null]);
  expect(error_description).toContain(description);
});

test('a posted logout request becomes a link', async () => {
  const answer = await post('/session/end', 'client_id=web&state=s');
  const { issuer } = servers.root;
  expect([answer.status, answer.headers.get('location')]).toEqual([303, `${issuer}/session/end?client_id=web&state=s`]);
});

test('pushed authorization requests are as before', async () => {
  const answer = await post('/request', new URLSearchParams(REQUEST).toString());
  expect([answer.status, Object.keys((await answer.json()) as object).sort()]).toEqual([
    201,
    ['expires_in', 'request_uri'],
  ]);
});
