import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../testing/condition.ts';
import { api, buildHouse, type House } from '../testing/house.ts';
import { bodyOf, message, send, statusOf } from '../testing/raw_client.ts';

const cookie = '__Host-app';
let house: House;
beforeEach(async () => {
  house = await buildHouse(({ routes: [jwt, opaque, phantom, split] }) => ({
    trustedProxies: ['127.0.0.0/8', '::1'],
    decisionEndpoints: [
      { path: '/nginx', for: 'nginx' },
      { path: '/traefik', for: 'traefik' },
      { path: '/envoy', for: 'envoy' },
    ],
    routes: [
      ...[jwt, opaque, phantom, split].filter((route) => route !== undefined),
      { prefix: '/open', upstream: 'http://localhost:1', public: true },
      { prefix: '/phantom', host: 'open.example.com', upstream: 'http://localhost:1', public: true },
      {
        ...{ prefix: '/browser', upstream: 'http://localhost:1', resource: api('browser'), style: 'phantom' },
        ...{ scopes: { '*': [] }, tokenCookie: { name: cookie, origins: [], csrfHeader: 'x-csrf' } },
      },
    ],
  }));
});
afterEach(() => house.stop());

function ask(path: string, headers: Record<string, string>) {
  const asking = { 'X-Original-Method': 'GET', 'X-Original-URI': path };
  return fetch(`${house.origin}/nginx`, { headers: { ...headers, ...asking } });
}

describe('What the asking gateway would pass on and should not', () => {
  test.each([
    ['the cookie of an access token', `a=b; ${cookie}=${'c'.repeat(43)}`],
    ['the cookie of a session', `${cookie}-session=sealed`],
  ])('%s: no decision, on whatever route', async (_, value) => {
    const token = await house.issueReference(api('phantom'));
    for (const path of ['/open/a', '/phantom/a']) {
      const answer = await ask(path, { Authorization: `Bearer ${token}`, Cookie: value });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([501, null]);
    }
  });

  test('other cookies are passed on', async () => {
    const token = await house.issueReference(api('phantom'));
    const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, Cookie: `my${cookie}=1; a=${cookie}` });
    expect(answer.status).toBe(200);
  });

  test.each(['X-Debug', 'Proxy-Authorization', 'Cookie'])('the token once more, in %s', async (name) => {
    const token = await house.issueReference(api('phantom'));
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
])('A second opinion on what is asked for would be served, and was not decided about: %s', async (name, value) => {
  const token = await house.issueReference(api('phantom'));
  const answer = await ask('/phantom/a', { Authorization: `Bearer ${token}`, [name]: value });
  expect([answer.status, answer.headers.get('authorization')]).toEqual([400, null]);
});

test('so is X-Original-URL, which only an NGINX says itself', async () => {
  const token = await house.issueReference(api('phantom'));
  const headers = { Authorization: `Bearer ${token}`, 'X-Original-URL': '/admin' };
  expect((await fetch(`${house.origin}/envoy/phantom/a`, { headers })).status).toBe(400);
  expect((await ask('/phantom/a', headers)).status).toBe(200);
});

test('Envoy passes X-Forwarded-Host of a client on, and routes by Host: so does the decision', async () => {
  const answer = await fetch(`${house.origin}/envoy/phantom/a`, {
    headers: { 'X-Forwarded-Host': 'open.example.com' },
  });
  expect(answer.status).toBe(401);
});

/** How each of the gateways asks about a request to upgrade, whose headers it passes on. */
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
  'The handshake of a WebSocket, asked about as %s does',
  (kind) => {
    async function askAbout(upgrade: string, method = 'GET', token?: string) {
      const authorization = token === undefined ? [] : [`Authorization: Bearer ${token}`];
      const lines = [...HANDSHAKES[kind](method, '/phantom/a'), ...handshake, `Upgrade: ${upgrade}`, ...authorization];
      return send(house.port, message(lines));
    }

    test('is decided as a request, and the asking gateway is the one to upgrade', async () => {
      const answer = await askAbout('websocket', 'GET', await house.issueReference(api('phantom')));
      expect([statusOf(answer), bodyOf(answer)]).toEqual([200, '']);
      expect(answer).toMatch(/^Authorization: Bearer [\w-]+\.[\w-]+\.[\w-]+\r$/m);
      expect(answer).not.toMatch(/^Upgrade:/im);
      await until('the request is logged', () => house.cacheLevels().length > 0);
      expect(house.log).toContainEqual(
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
    ])('is no other protocol, and no other method: %s, %s', async (upgrade, method) => {
      const token = await house.issueReference(api('phantom'), { scope: 'read write' });
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
  'Java asks for h2c with every request, and gets %s in HTTP/1.1',
  async (path) => {
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: a',
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: A',
    ];
    expect(statusOf(await send(house.port, message(lines)))).toBe(200);
  },
);
