import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { silent, startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

type Line = Readonly<Record<string, unknown>>;

let server: TestServer;
let lines: Line[];
beforeEach(async () => {
  lines = [];
  const info = (fields: object, message: string) => void lines.push({ ...fields, message });
  const bank = testClient({
    id: 'bank',
    secret: 'bank-secret',
    grants: ['client_credentials', 'authorization_code', 'refresh_token'],
    redirectUris: ['https://bank.example.com/callback'],
  });
  server = await startTestServer((config) => ({ ...config, clients: [...config.clients, bank] }), {
    log: { ...silent, info },
  });
});
afterEach(() => server.stop());

async function post(path: string, form: Record<string, string>, authorization?: string) {
  const answer = await fetch(`${server.issuer}${path}`, {
    method: 'POST',
    headers: authorization === undefined ? {} : { Authorization: authorization },
    body: new URLSearchParams(form),
  });
  return [answer.status, await answer.json()] as const;
}

const basic = (id: string, secret: string) => `Basic ${btoa(`${id}:${secret}`)}`;
const credentials = { grant_type: 'client_credentials' };

test.each([
  ['an unknown client', credentials, basic('nobody', 'bank-secret'), 'nobody', 'client not found'],
  ['a wrong secret', credentials, basic('bank', 'guess-of-a-secret'), 'bank', 'invalid secret provided'],
  [
    'another authentication method',
    { ...credentials, client_id: 'bank' },
    undefined,
    'bank',
    'the provided authentication mechanism does not match the registered client authentication method',
  ],
])('tells %s apart in the log, and not in the response', async (_what, form, authorization, client, detail) => {
  expect(await post('/token', form, authorization)).toEqual([
    401,
    { error: 'invalid_client', error_description: 'client authentication failed' },
  ]);
  expect(lines).toEqual([
    {
      message: 'request refused',
      method: 'POST',
      route: 'token',
      status: 401,
      milliseconds: expect.any(Number),
      client,
      error: 'invalid_client',
      reason: 'client authentication failed',
      detail,
    },
  ]);
  expect(JSON.stringify(lines)).not.toContain('secret-');
  expect(JSON.stringify(lines)).not.toContain('guess-of-a-secret');
});

test('logs a refused authorization request, whose error goes to the browser', async () => {
  const query = new URLSearchParams({
    client_id: 'bank',
    response_type: 'code',
    redirect_uri: 'https://other.example/',
  });
  await fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' });
  expect(lines).toMatchObject([
    { message: 'request refused', client: 'bank', error: expect.any(String), route: 'authorization' },
  ]);
});

test('logs a request for an endpoint that does not exist', async () => {
  await fetch(`${server.issuer}/nothing`);
  expect(lines).toMatchObject([
    { message: 'request refused', status: 404, error: 'invalid_request', reason: 'no such endpoint' },
  ]);
});

const TOKEN = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKl';
test.each([
  ['the client_id', { ...credentials, client_id: TOKEN }],
  ['the scope', { ...credentials, scope: TOKEN }],
  ['the resource', { ...credentials, resource: TOKEN }],
  ['the grant type', { grant_type: TOKEN }],
  ['a short refresh token', { grant_type: 'refresh_token', refresh_token: 'short', scope: 'short' }],
])('does not log a token in %s', async (_what, form) => {
  const [status] = await post('/token', form, 'client_id' in form ? undefined : basic('bank', 'bank-secret'));
  expect(status).toBeGreaterThanOrEqual(400);
  expect(lines).toMatchObject([{ message: 'request refused' }]);
  expect(JSON.stringify(lines)).not.toMatch(/AbCdEf|short/);
});
