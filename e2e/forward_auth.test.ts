import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { requirement } from './requirements.ts';
import { type Caddy, caddyIsThere, startCaddy } from './support/caddy.ts';
import { call, serviceToken } from './support/clients.ts';
import { exampleOf, type Nginx, nginxIsThere, startNginx } from './support/nginx.ts';
import { type OneProcess, startOneProcess } from './support/one_process.ts';
import { startSeeingServer } from './support/seeing_server.ts';
import { resourceOf, STYLES, type Style } from './support/world.ts';

/** How each of the gateways asks about a request. */
const ASKING = {
  nginx: (method: string, uri: string) => ({
    path: '/decision/nginx',
    method: 'GET',
    headers: { 'X-Original-Method': method, 'X-Original-URI': uri },
  }),
  traefik: (method: string, uri: string) => ({
    path: '/decision/traefik',
    method: 'GET',
    headers: { 'X-Forwarded-Method': method, 'X-Forwarded-Uri': uri },
  }),
  envoy: (method: string, uri: string) => ({ path: `/decision/envoy${uri}`, method, headers: {} }),
};
const KINDS = ['nginx', 'traefik', 'envoy'] as const;

const startWorld = (trustedProxies: string[]) =>
  startOneProcess((config) => ({
    ...config,
    gateway: {
      ...config.gateway,
      trustedProxies,
      decisionEndpoints: KINDS.map((kind) => ({ path: `/decision/${kind}`, for: kind })),
      routes: [...config.gateway.routes, { prefix: '/open', public: true, upstream: 'http://localhost:1' }],
    },
  }));

describe('a gateway that asks for decisions', () => {
  let world: OneProcess;
  beforeAll(async () => {
    world = await startWorld(['127.0.0.0/8', '::1']);
  });
  afterAll(() => world.stop());

  function ask(kind: keyof typeof ASKING, method: string, uri: string, headers: Record<string, string> = {}) {
    const { path, ...asking } = ASKING[kind](method, uri);
    return fetch(world.gateways[0] + path, { ...asking, headers: { ...headers, ...asking.headers } });
  }

  describe.each(KINDS)('like %s', (kind) => {
    test.each(STYLES)(requirement('decides-for-others', '%s'), async (style) => {
      const token = await serviceToken(world, style);
      const answer = await ask(kind, 'GET', `/${style}/hello?a=%2F`, { Authorization: `bearer ${token}` });
      expect([answer.status, await answer.text(), answer.headers.get('cache-control')]).toEqual([200, '', 'no-store']);
      const [scheme, forApi = ''] = String(answer.headers.get('authorization')).split(' ');
      expect(scheme).toBe('Bearer');
      if (style === 'opaque') expect(forApi).toBe(token);
      else
        expect(decodeJwt(forApi)).toMatchObject({ aud: resourceOf(style), client_id: 'demo-service', scope: 'read' });
    });

    test(requirement('decides-for-others', 'the method is that of the original request'), async () => {
      const token = await serviceToken(world, 'phantom');
      const answer = await ask(kind, 'DELETE', '/phantom/hello', { Authorization: `Bearer ${token}` });
      expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
        403,
        expect.stringMatching(/error="insufficient_scope".*scope="write".*resource_metadata="/),
      ]);
    });

    test.each([
      ['no token', '/phantom/hello', undefined, 401],
      ['an unknown token', '/phantom/hello', 'a'.repeat(43), 401],
      ['no API', '/elsewhere', 'a'.repeat(43), 404],
      ['two slashes', '//phantom/hello', 'a'.repeat(43), 400],
      ['a way out of the prefix', '/phantom/..;/admin', 'a'.repeat(43), 400],
    ])(requirement('decides-for-others', 'refused: %s'), async (_what, uri, token, status) => {
      const answer = await ask(kind, 'GET', uri, token === undefined ? {} : { Authorization: `Bearer ${token}` });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('authorization')).toBeNull();
      if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    });

    test(requirement('decides-for-others', 'a failure is no verdict'), async () => {
      world.tallystick.faults.add({ endpoint: 'introspection', status: 500 });
      const token = await serviceToken(world, 'phantom');
      const answer = await ask(kind, 'GET', '/phantom/hello', { Authorization: `Bearer ${token}` });
      world.tallystick.faults.clear();
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    });

    test(requirement('decides-for-others', 'a public route'), async () => {
      const answer = await ask(kind, 'GET', '/open/page', { Authorization: 'Bearer something' });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([200, null]);
      expect(answer.headers.get('x-envoy-auth-headers-to-remove')).toBe('authorization');
    });
  });

  test.each([
    ['/decision/nginx', {}],
    ['/decision/nginx', { 'X-Original-Method': 'GET' }],
    ['/decision/nginx', { 'X-Original-Method': 'GET, POST', 'X-Original-URI': '/jwt/a' }],
    ['/decision/nginx', { 'X-Original-Method': 'GET', 'X-Original-URI': '/jwt/a, /jwt/b' }],
    ['/decision/nginx', { 'X-Original-Method': 'GET', 'X-Original-URI': 'http://other/jwt/a' }],
    ['/decision/nginx', { 'X-Forwarded-Method': 'GET', 'X-Forwarded-Uri': '/jwt/a' }],
    ['/decision/traefik', { 'X-Original-Method': 'GET', 'X-Original-URI': '/jwt/a' }],
  ])(requirement('decides-for-trusted', '%s %j'), async (path, headers) => {
    const token = await serviceToken(world, 'jwt');
    const answer = await fetch(world.gateways[0] + path, { headers: { ...headers, Authorization: `Bearer ${token}` } });
    expect(answer.status).toBe(400);
  });
});

test.each(KINDS)(requirement('decides-for-trusted', 'not %s at an unknown address'), async (kind) => {
  const world = await startWorld(['192.0.2.1']);
  try {
    const token = await serviceToken(world, 'phantom');
    const { path, ...asking } = ASKING[kind]('GET', '/phantom/hello');
    const answer = await fetch(world.gateways[0] + path, {
      ...asking,
      headers: { ...asking.headers, Authorization: `Bearer ${token}`, 'X-Forwarded-For': '192.0.2.1' },
    });
    expect([answer.status, answer.headers.get('authorization')]).toEqual([403, null]);
  } finally {
    await world.stop();
  }
});

/** What is refused by the gateway itself, whoever asks it. */
const REFUSED = [
  ['no token', undefined, 'GET', 401, /^Bearer resource_metadata="/],
  ['an unknown token', 'a'.repeat(43), 'GET', 401, /error="invalid_token"/],
  ['a scope too few', 'read', 'POST', 403, /error="insufficient_scope".*scope="write"/],
] as const;

async function expectServed(url: string, world: OneProcess, style: Style): Promise<void> {
  const token = await serviceToken(world, style, 'read write');
  const answer = await call(url, style, token, { method: 'POST', body: 'x'.repeat(100_000) });
  const shown = (await answer.json()) as { headers: Record<string, string>; method: string };
  expect([answer.status, shown.method]).toEqual([200, 'POST']);
  if (style === 'phantom') expect(JSON.stringify(shown)).not.toContain(token);
}

(nginxIsThere ? describe : describe.skip)('NGINX', () => {
  let world: OneProcess;
  let nginx: Nginx;
  beforeAll(async () => {
    const decision = [{ path: '/decision', for: 'nginx' as const }];
    world = await startOneProcess((config) => ({
      ...config,
      gateway: {
        ...config.gateway,
        trustedProxies: ['127.0.0.0/8', '::1'],
        decisionEndpoints: decision,
        routes: [
          ...config.gateway.routes,
          { prefix: '/browser', api: resourceOf('phantom'), tokenCookie: { name: '__Host-app' } },
        ],
      },
    }));
    nginx = await startNginx(await exampleOf(world.gateways[0], world.sampleApi));
  });
  afterAll(async () => {
    await nginx.stop();
    await world.stop();
  });

  test.each(STYLES)(requirement('nginx-asks', '%s'), async (style) => {
    await expectServed(nginx.url, world, style);
  });

  test.each(REFUSED)(requirement('nginx-asks', '%s'), async (_what, given, method, status, challenge) => {
    const token = given === 'read' ? await serviceToken(world, 'phantom') : given;
    const answer = await call(nginx.url, 'phantom', token, { method });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, expect.stringMatching(challenge)]);
    expect(answer.headers.get('content-type')).toBe('application/json');
  });

  test(requirement('nginx-asks', 'a failure is no verdict'), async () => {
    world.tallystick.faults.add({ endpoint: 'introspection', drop: true });
    const answer = await call(nginx.url, 'phantom', await serviceToken(world, 'phantom'));
    world.tallystick.faults.clear();
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    await answer.body?.cancel();
  });

  test(requirement('nginx-asks', 'what a client says of a decision is nothing'), async () => {
    const token = await serviceToken(world, 'phantom');
    const headers = { 'X-Original-Method': 'GET', 'X-Original-URI': '/phantom/hello', 'X-Forwarded-Host': 'evil' };
    const answer = await call(nginx.url, 'phantom', token, { method: 'POST', headers });
    expect(answer.status).toBe(403);
    expect((await fetch(`${nginx.url}/_decision`, { headers })).status).toBe(404);
  });

  test(requirement('nginx-asks', 'a token in a cookie reaches no API'), async () => {
    const headers = { Cookie: `__Host-app=${'a'.repeat(43)}` };
    const answer = await call(nginx.url, 'phantom', await serviceToken(world, 'phantom'), { headers });
    expect([answer.status, await answer.json()]).toEqual([501, { error: 'not_implemented' }]);
  });

  test(requirement('nginx-asks', 'a certificate that a client names is not one that it showed'), async () => {
    const [gateway, api] = [await startSeeingServer(), await startSeeingServer()];
    const front = await startNginx(await exampleOf(gateway.origin, api.origin));
    try {
      await fetch(`${front.url}/phantom/hello`, { headers: { 'Client-Cert': 'of somebody else' } });
      for (const { seen } of [gateway, api])
        expect(seen.map(({ headers }) => headers['client-cert'])).toEqual([undefined]);
    } finally {
      await Promise.all([front.stop(), gateway.stop(), api.stop()]);
    }
  });
});

(caddyIsThere ? describe : describe.skip)('Caddy', () => {
  let world: OneProcess;
  let caddy: Caddy | undefined;
  beforeAll(async () => {
    const decision = [{ path: '/decision', for: 'traefik' as const }];
    world = await startOneProcess((config) => ({
      ...config,
      gateway: { ...config.gateway, trustedProxies: ['127.0.0.0/8', '::1'], decisionEndpoints: decision },
    }));
    caddy = await startCaddy(world.gateways[0], world.sampleApi);
  });
  afterAll(async () => {
    await caddy?.stop();
    await world.stop();
  });

  test.each(STYLES)(requirement('caddy-asks', '%s'), async (style) => {
    await expectServed(String(caddy?.url), world, style);
  });

  test.each(REFUSED)(requirement('caddy-asks', '%s'), async (_what, given, method, status, challenge) => {
    const token = given === 'read' ? await serviceToken(world, 'phantom') : given;
    const headers = { 'X-Forwarded-Method': 'GET', 'X-Forwarded-Uri': '/phantom/hello' }; // What a client says is nothing.
    const answer = await call(String(caddy?.url), 'phantom', token, { method, headers });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([status, expect.stringMatching(challenge)]);
    expect(await answer.json()).toMatchObject({ error: expect.any(String) });
  });
});
