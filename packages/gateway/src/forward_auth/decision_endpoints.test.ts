import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { bodyOf, message, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

const page = 'https://app.example.com';
const cookie = '__Host-app';
let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(({ routes: [jwt, opaque, phantom, split] }) => ({
    trustedProxies: ['127.0.0.0/8', '::1'],
    decisionEndpoints: [
      { path: '/nginx', for: 'nginx' },
      { path: '/nginx-redirected', for: 'nginx', accelRedirect: '@api' },
      { path: '/traefik', for: 'traefik' },
      { path: '/caddy', for: 'caddy' },
      { path: '/haproxy', for: 'haproxy' },
      { path: '/envoy', for: 'envoy' },
    ],
    routes: [
      ...[jwt, opaque, phantom, split].filter((route) => route !== undefined),
      { prefix: '/open', upstream: 'http://localhost:1', public: true },
      { prefix: '/pages', upstream: 'http://localhost:1', public: true, cors: { origins: [page] } },
      { prefix: '/phantom', host: 'open.example.com', upstream: 'http://localhost:1', public: true },
      {
        ...{ prefix: '/browser', upstream: 'http://localhost:1', api: api('browser') },
        ...{ scopes: { '*': [] }, tokenCookie: { name: cookie, origins: [], csrfHeader: 'x-csrf' } },
      },
    ],
  }));
});
afterEach(() => fixture.stop());

function ask(path: string, headers: Record<string, string>) {
  const asking = { 'X-Original-Method': 'GET', 'X-Original-URI': path };
  return fetch(`${fixture.origin}/nginx`, { headers: { ...headers, ...asking } });
}

describe('Tokens that the calling gateway would pass on', () => {
  test.each([
    ['the cookie of an access token', `a=b; ${cookie}=${'c'.repeat(43)}`],
    ['the cookie of a session', `${cookie}-session=sealed`],
  ])('%s gets 501 on every route', async (_, value) => {
    const token = await fixture.issueReference(api('phantom'));
    for (const path of ['/open/a', '/phantom/a']) {
      const answer = await ask(path, { Authorization: `Bearer ${token}`, Cookie: value });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([501, null]);
    }
  });

  test('other cookies are passed on', async () => {
    const token = await fixture.issueReference(api('phantom'));
    const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, Cookie: `my${cookie}=1; a=${cookie}` });
    expect(answer.status).toBe(200);
  });

  test.each(['X-Debug', 'Proxy-Authorization', 'Cookie'])('the token in %s as well', async (name) => {
    const token = await fixture.issueReference(api('phantom'));
    const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: `a=${token}` });
    expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
  });
});

test.each([
  ['X-HTTP-Method-Override', 'DELETE'],
  ['X_HTTP_Method_Override', 'DELETE'],
  ['X.HTTP.Method.Override', 'DELETE'],
  ['X_Original_URL', '/admin'],
  ['X-Originating-URL', '/admin'],
  ['X-Envoy-Original-Path', '/admin'],
  ['X-HTTP-Method', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['X-Rewrite-URL', '/admin'],
])('refuses %s, which would override the method or the target that was authorized', async (name, value) => {
  const token = await fixture.issueReference(api('phantom'));
  const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: value });
  expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
});

test('refuses X-Original-URL unless the calling gateway is NGINX', async () => {
  const token = await fixture.issueReference(api('phantom'));
  const headers = { Authorization: `Bearer ${token}`, 'X-Original-URL': '/phantom/a' };
  expect((await fetch(`${fixture.origin}/envoy/phantom/a`, { headers })).status).toBe(400);
  expect((await ask('/phantom/a', headers)).status).toBe(200);
});

describe('X-Original-URL of ingress-nginx', () => {
  const askAsIngress = async (headers: Record<string, string>) => {
    const token = await fixture.issueReference(api('phantom'));
    const asking = { Authorization: `Bearer ${token}`, 'X-Original-Method': 'GET', Host: 'tallystick', ...headers };
    const lines = Object.entries({ ...asking, Connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
    return send(fixture.port, message(['GET /nginx HTTP/1.1', ...lines]));
  };

  test.each([
    ['the request', { 'X-Original-URL': 'http://api.example.com/phantom/a?b=http://c/d' }, 200],
    ['another host, which another route is for', { 'X-Original-URL': 'https://open.example.com:8443/phantom/a' }, 200],
    ['another path', { 'X-Original-URL': 'http://api.example.com/elsewhere' }, 404],
    ['two slashes', { 'X-Original-URL': 'http://api.example.com//phantom/a' }, 400],
    ['no path', { 'X-Original-URL': 'http://api.example.com' }, 400],
    ['no host', { 'X-Original-URL': '/phantom/a' }, 400],
    ['another scheme', { 'X-Original-URL': 'ftp://api.example.com/phantom/a' }, 400],
    ['a user', { 'X-Original-URL': 'http://a@api.example.com/phantom/a' }, 400],
    ['a host with a query', { 'X-Original-URL': 'http://api?x/phantom/a' }, 400],
    ['two URLs', { 'X-Original-URL': 'http://a/phantom/a, http://a/phantom/b' }, 400],
  ])('%s', async (_what, headers, status) => {
    expect(statusOf(await askAsIngress(headers))).toBe(status);
  });

  test.each([
    ['a path of the client', { 'X-Original-URI': '/open/a' }, 400],
    ['a host of the client', { 'X-Original-URI': '/phantom/a', 'X-Forwarded-Host': 'open.example.com' }, 400],
    ['no host of its own', { 'X-Original-URI': '/phantom/a' }, 400],
    ['all the same', { 'X-Original-URI': '/phantom/a', 'X-Forwarded-Host': 'api.example.com' }, 200],
  ])('beside X-Original-URI: %s', async (_what, headers, status) => {
    const url = { 'X-Original-URL': 'http://api.example.com/phantom/a' };
    expect(statusOf(await askAsIngress({ ...url, ...headers }))).toBe(status);
  });

  test('selects the route by its host, and not by the host of a client', async () => {
    const headers = {
      'X-Original-Method': 'GET',
      'X-Original-URL': 'https://api.example.com/phantom/a',
      'X-Forwarded-Host': 'open.example.com',
      'X-Forwarded-Proto': 'http',
    };
    const answer = await fetch(`${fixture.origin}/nginx`, { headers });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      expect.stringContaining('resource_metadata="https://api.example.com/.well-known/'),
    ]);
  });
});

test.each(['caddy', 'haproxy'])(
  '%s sends the original Host, so X-Forwarded-Host of a client is ignored',
  async (kind) => {
    const headers = {
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/phantom/a',
      'X-Forwarded-Host': 'open.example.com',
    };
    expect((await fetch(`${fixture.origin}/${kind}`, { headers })).status).toBe(401);
  },
);

describe('Headers that identify the caller', () => {
  test.each([
    'X-User',
    'X_User',
    'X-User-Id',
    'Remote-User',
    'X-Forwarded-User',
    'X-Forwarded-Client-Cert',
    'X-SSL-Client-DN',
  ])('are refused, because the calling gateway would pass them on: %s', async (name) => {
    for (const path of ['/phantom/a', '/open/a']) {
      const token = await fixture.issueReference(api('phantom'));
      const answer = await ask(path, { Authorization: `Bearer ${token}`, [name]: 'admin' });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
      expect(await answer.json()).toMatchObject({ error_description: expect.stringContaining(name.toLowerCase()) });
    }
  });

  test.each(['X-Real-IP', 'CF-Connecting-IP', 'X-Forwarded-Port', 'X-Forwarded-Prefix', 'X-Forwarded-Server'])(
    'do not include forwarding headers: %s',
    async (name) => {
      const token = await fixture.issueReference(api('phantom'));
      expect((await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: '1' })).status).toBe(200);
    },
  );
});

/** Whether the calling gateway treats only 200 as permission, and passes any other response on to the client. */
const FINAL = [
  ['nginx', false],
  ['nginx-redirected', true],
  ['traefik', false],
  ['caddy', true],
  ['haproxy', true],
  ['envoy', true],
] as const;

describe.each(FINAL)('A page of another origin, behind %s', (kind, isFinal) => {
  const send = (method: string, path: string, headers: Record<string, string>) => {
    if (kind === 'envoy') return fetch(`${fixture.origin}/envoy${path}`, { method, headers });
    const prefix = kind.startsWith('nginx') ? 'X-Original' : 'X-Forwarded';
    const asking = { [`${prefix}-Method`]: method, [`${prefix}-Uri`]: path };
    return fetch(`${fixture.origin}/${kind}`, { headers: { ...headers, ...asking } });
  };

  test('sends a preflight request, which the policy of the route answers if the answer reaches the page', async () => {
    const preflight = { Origin: page, 'Access-Control-Request-Method': 'POST' };
    const answer = await send('OPTIONS', '/pages/a', preflight);
    // On a public route, the other two get permission.
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([isFinal ? 204 : 200, page]);
    expect(answer.headers.has('access-control-allow-methods')).toBe(isFinal);
    expect((await send('OPTIONS', '/phantom/a', preflight)).status).toBe(401); // It has no policy.
  });

  test('may read the response of the API, and a refusal', async () => {
    const answer = await send('GET', '/pages/a', { Origin: page });
    expect(answer.status).toBe(200);
    for (const [name, value] of [
      ['access-control-allow-origin', page],
      ['access-control-expose-headers', 'WWW-Authenticate, DPoP-Nonce'],
      ['vary', 'Origin'],
    ]) {
      expect([name, answer.headers.get(String(name))]).toEqual([name, value]);
    }
    const refused = await send('GET', '/pages/..;/a', { Origin: page });
    expect(refused.status).toBe(400);
  });
});

test('NGINX gets a redirect to its location, and no header that would reach the client with the response of the API', async () => {
  const token = await fixture.issueReference(api('phantom'));
  const asking = { 'X-Original-Method': 'GET', 'X-Original-URI': '/phantom/a' };
  const passed = await fetch(`${fixture.origin}/nginx-redirected`, {
    headers: { Authorization: `Bearer ${token}`, ...asking },
  });
  expect([passed.status, passed.headers.get('x-accel-redirect'), passed.headers.get('cache-control')]).toEqual([
    200,
    '@api',
    null,
  ]);
  const refused = await fetch(`${fixture.origin}/nginx-redirected`, { headers: asking });
  expect([refused.status, refused.headers.get('x-accel-redirect')]).toEqual([401, null]);
});

test('for Envoy, Host selects the route, and not X-Forwarded-Host, which may come from the client', async () => {
  const answer = await fetch(`${fixture.origin}/envoy/phantom/a`, {
    headers: { 'X-Forwarded-Host': 'open.example.com' },
  });
  expect(answer.status).toBe(401);
});

/** How each gateway requests a decision about an upgrade. It passes the headers of the request on. */
const HANDSHAKES = {
  nginx: (method: string, uri: string) => [
    'GET /nginx HTTP/1.1',
    `X-Original-Method: ${method}`,
    `X-Original-URI: ${uri}`,
  ],
  traefik: (method: string, uri: string) => [
    'GET /traefik HTTP/1.1',
    `X-Forwarded-Method: ${method}`,
    `X-Forwarded-Uri: ${uri}`,
  ],
  envoy: (method: string, uri: string) => [`${method} /envoy${uri} HTTP/1.1`],
};
const handshake = [
  'Host: a',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
];

describe.each(['nginx', 'traefik', 'envoy'] as const)(
  'The handshake of a WebSocket, in a request for a decision of %s,',
  (kind) => {
    async function askAbout(upgrade: string, method = 'GET', token?: string) {
      const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
      const lines = [...HANDSHAKES[kind](method, '/phantom/a'), ...handshake, `Upgrade: ${upgrade}`, ...authorization];
      return send(fixture.port, message(lines));
    }

    test('is authorized like a request, and the calling gateway upgrades', async () => {
      const answer = await askAbout('websocket', 'GET', await fixture.issueReference(api('phantom')));
      expect([statusOf(answer), bodyOf(answer)]).toEqual([200, '']);
      expect(answer).toMatch(/^Authorization: Bearer [\w-]+\.[\w-]+\.[\w-]+\r$/m);
      expect(answer).not.toMatch(/^Upgrade:/im);
      await until(() => fixture.cacheLevels().length > 0);
      expect(fixture.log).toContainEqual(
        expect.objectContaining({ message: 'request served', path: '/phantom/a', status: 200 }),
      );
    });

    test('is refused without a token', async () => {
      const answer = await askAbout('websocket');
      expect(statusOf(answer)).toBe(401);
      expect(answer.match(/^WWW-Authenticate: Bearer /gm)).toHaveLength(1);
    });

    test.each([
      ['h2c', 'GET'],
      ['websocket, h2c', 'GET'],
      ['websocket', 'DELETE'],
    ])('is refused for another protocol or method: %s, %s', async (upgrade, method) => {
      const token = await fixture.issueReference(api('phantom'), { scope: 'read write' });
      const answer = await askAbout(upgrade, method, token);
      expect([statusOf(answer), JSON.parse(bodyOf(answer))]).toEqual([
        400,
        expect.objectContaining({ error: 'invalid_request' }),
      ]);
      expect(answer).not.toMatch(/^Authorization:/im);
    });
  },
);

test.each(['/healthz', '/.well-known/oauth-protected-resource/phantom'])(
  'Java requests h2c with every request, and gets %s over HTTP/1.1',
  async (path) => {
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: a',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: A',
    ];
    expect(statusOf(await send(fixture.port, message(lines)))).toBe(200);
  },
);
