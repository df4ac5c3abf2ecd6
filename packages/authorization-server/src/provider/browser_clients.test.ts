import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestServer, type TestServer } from '../testing/test_server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const ORIGIN = 'https://app.example.com';

function register(metadata: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${server.issuer}/reg`, {
    method: 'POST',
    body: JSON.stringify({ token_endpoint_auth_method: 'none', ...metadata }),
    headers: { 'Content-Type': 'application/json', ...headers },
  });
}

test('a page of any origin can register a client', async () => {
  const preflight = await fetch(`${server.issuer}/reg`, {
    method: 'OPTIONS',
    headers: {
      Origin: ORIGIN,
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'content-type',
    },
  });
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  expect(preflight.headers.get('access-control-allow-headers')).toContain('Content-Type');
  for (const [redirectUri, status] of [
    [`${ORIGIN}/callback`, 201],
    ['not a uri', 400],
  ] as const) {
    const answer = await register({ redirect_uris: [redirectUri] }, { Origin: ORIGIN });
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([status, '*']);
    expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
  }
});

test.each([
  [['cursor://anysphere.cursor-retrieval/oauth/callback'], undefined, 'native'],
  [['vscode://vscode.github-authentication/did-authenticate', 'http://127.0.0.1:33418'], undefined, 'native'],
  [['http://127.0.0.1:33418/callback'], undefined, 'web'],
  [['https://app.example.com/callback'], undefined, 'web'],
  [['http://127.0.0.1:33418/callback'], 'native', 'native'],
])('a client with %j and the application type %s registers as %s', async (redirect_uris, given, expected) => {
  const answer = await register({ redirect_uris, ...(given && { application_type: given }) });
  expect([answer.status, ((await answer.json()) as Record<string, unknown>).application_type]).toEqual([201, expected]);
});

test('a client registers any algorithm that discovery lists, and no other', async () => {
  const discovery = (await (await fetch(`${server.issuer}/.well-known/openid-configuration`)).json()) as {
    id_token_signing_alg_values_supported: string[];
  };
  const redirect_uris = [`${ORIGIN}/callback`];
  for (const algorithm of discovery.id_token_signing_alg_values_supported)
    expect((await register({ redirect_uris, id_token_signed_response_alg: algorithm })).status).toBe(201);
  expect((await register({ redirect_uris, id_token_signed_response_alg: 'PS384' })).status).toBe(400);
});

test('a revocation is answered with JSON', async () => {
  const answer = await fetch(`${server.issuer}/token/revocation`, {
    method: 'POST',
    body: new URLSearchParams({ token: 'unknown' }),
    headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
  });
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect([answer.status, await answer.json()]).toEqual([200, {}]);
});
