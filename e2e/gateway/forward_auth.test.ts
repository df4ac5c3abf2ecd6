import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decodeJwt } from 'jose';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES } from '../support/worlds/world.ts';

/** The headers with which each gateway describes a request. */
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

    test(requirement('decides-for-others', 'the scopes follow the method of the original request'), async () => {
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
      ['an unknown path', '/elsewhere', 'a'.repeat(43), 404],
      ['two slashes', '//phantom/hello', 'a'.repeat(43), 400],
      ['a way out of the prefix', '/phantom/..;/admin', 'a'.repeat(43), 400],
    ])(requirement('decides-for-others', 'refused: %s'), async (_what, uri, token, status) => {
      const answer = await ask(kind, 'GET', uri, token === undefined ? {} : { Authorization: `Bearer ${token}` });
      expect(answer.status).toBe(status);
      expect(answer.headers.get('authorization')).toBeNull();
      if (status === 401) expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    });

    test(requirement('decides-for-others', 'an outage is a server error, not a refusal'), async () => {
      world.tallystick.faults.add({ endpoint: 'introspection', status: 500 });
      const token = await serviceToken(world, 'phantom');
      const answer = await ask(kind, 'GET', '/phantom/hello', { Authorization: `Bearer ${token}` });
      world.tallystick.faults.clear();
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    });

    test(requirement('decides-for-others', 'a public route'), async () => {
      const answer = await ask(kind, 'GET', '/open/page', { Authorization: 'Bearer something' });
      expect([answer.status, answer.headers.get('authorization')]).toEqual([200, null]);
      expect(answer.headers.get('x-envoy-auth-headers-to-remove')).toBe('authorization,dpop,client-cert');
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

test.each(KINDS)(requirement('decides-for-trusted', 'ignores %s from an unknown address'), async (kind) => {
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
