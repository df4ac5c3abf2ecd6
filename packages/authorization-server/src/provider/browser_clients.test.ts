import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestServer, type TestServer, testClient } from '../testing/test_server.ts';

let server: TestServer;
beforeAll(async () => {
  const redirectUris = [`${ORIGIN}/callback`];
  server = await startTestServer((config) => ({
    ...config,
    clients: [
      ...config.clients,
      testClient({ id: 'spa', grants: ['authorization_code', 'device_code'], redirectUris }),
    ],
  }));
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

const FORM = 'application/x-www-form-urlencoded';
const BEARER = { Authorization: 'Bearer unknown' };

/** Endpoints that a page calls: a request that gets the status, and whether only pages of the client may read the answer. */
const ENDPOINTS: [
  method: string,
  path: string,
  body: string | undefined,
  headers: object,
  status: number,
  restricted: boolean,
][] = [
  ['GET', '/.well-known/openid-configuration', undefined, {}, 200, false],
  ['GET', '/.well-known/oauth-authorization-server', undefined, {}, 200, false],
  ['GET', '/jwks', undefined, {}, 200, false],
  ['POST', '/token', 'client_id=spa&grant_type=authorization_code&code=unknown', {}, 400, true],
  ['POST', '/token', 'client_id=spa&grant_type=unknown', {}, 400, true],
  ['POST', '/token', 'client_id=service&grant_type=client_credentials&client_secret=wrong', {}, 401, true],
  ['POST', '/token', 'client_id=unknown&grant_type=authorization_code', {}, 401, false],
  ['POST', '/token/revocation', 'client_id=spa&token=unknown', {}, 200, true],
  ['POST', '/token/revocation', 'client_id=spa', {}, 400, true],
  ['POST', '/token/introspection', 'client_id=spa', {}, 400, true],
  ['POST', '/request', 'client_id=spa', {}, 400, true],
  ['POST', '/device/auth', 'client_id=spa&scope=openid', {}, 200, true],
  ['POST', '/device/auth', 'client_id=spa&scope=unknown', {}, 400, true],
  ['GET', '/me', undefined, BEARER, 401, false],
  ['POST', '/me', '', BEARER, 401, false],
];

describe('a page of a client', () => {
  test.each(ENDPOINTS)(
    'can read the answer to %s %s with %s',
    async (method, path, body, headers, status, restricted) => {
      const request = (origin: string) =>
        fetch(server.issuer + path, {
          method,
          ...(body !== undefined && { body }),
          headers: { ...headers, Origin: origin, ...(body !== undefined && { 'Content-Type': FORM }) },
        });
      const answer = await request(ORIGIN);
      // `service` has no redirect URI, so no page is one of its own.
      const isForbidden = body?.includes('client_id=service') ?? false;
      expect(answer.status).toBe(isForbidden ? 400 : status);
      expect(answer.headers.get('access-control-allow-origin')).toBe(isForbidden ? null : ORIGIN);
      expect(answer.headers.get('access-control-allow-credentials')).toBeNull();
      expect(answer.headers.get('vary')).toContain('Origin');
      const other = await request('https://evil.example.com');
      expect(other.headers.get('access-control-allow-origin')).toBe(restricted ? null : 'https://evil.example.com');
      if (restricted) expect(other.status).toBe(400);
    },
  );

  test.each([...new Map(ENDPOINTS.map(([method, path]) => [path, method]))])(
    'may ask before it calls %s with %s',
    async (path, method) => {
      const { status, headers } = await fetch(server.issuer + path, {
        method: 'OPTIONS',
        headers: {
          Origin: ORIGIN,
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'authorization,content-type,dpop',
        },
      });
      expect([status, headers.get('access-control-allow-origin')]).toEqual([204, ORIGIN]);
      expect(headers.get('access-control-allow-methods')).toContain(method);
      expect(headers.get('access-control-allow-headers')).toBe('authorization,content-type,dpop');
    },
  );

  test.each(['/token', '/token/revocation', '/request', '/device/auth', '/me', '/reg'])(
    'can read at %s that its request has too many parameters',
    async (path) => {
      const answer = await fetch(server.issuer + path, {
        method: 'POST',
        body: 'a=1&'.repeat(101),
        headers: { Origin: ORIGIN, 'Content-Type': FORM },
      });
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([400, ORIGIN]);
    },
  );

  test.each(['/auth', '/session/end', '/interaction/x'])('cannot read pages for users, such as %s', async (path) => {
    const { headers } = await fetch(server.issuer + path, { headers: { Origin: ORIGIN } });
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});
