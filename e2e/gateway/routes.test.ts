import { expect, test } from '@jest/globals';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { rawRequest } from '@tallystick/testing/raw_client';
import type { ConfigInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { serviceToken } from '../support/clients/clients.ts';
import { startRecordingApi } from '../support/peers/recording_api.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';
import { resourceOf, STYLES, type World } from '../support/worlds/world.ts';

type Gateway = NonNullable<ConfigInput['gateway']>;

/** The demo with other routes and, if given, other settings of the gateway. */
async function worldWith(gateway: Partial<Gateway>, others: Partial<ConfigInput> = {}): Promise<OneProcess> {
  const world = await startOneProcess((config) => ({
    ...config,
    ...others,
    gateway: { ...config.gateway, ...gateway },
  }));
  onTestFinished(world.stop);
  return world;
}

function ask({ gateways }: World, path: string, token?: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== undefined) headers.set('Authorization', `Bearer ${token}`);
  return fetch(`${gateways[0]}${path}`, { ...init, headers });
}

const api = resourceOf('phantom');

test(requirement('route-by-host'), async () => {
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith(
    {
      routes: [
        { prefix: '/', public: true, upstream: upstream.origin },
        { prefix: '/', host: 'api.example.com', api, upstream: upstream.origin },
        { prefix: '/open', host: '*.example.com', public: true, upstream: upstream.origin },
      ],
    },
    { allowedHosts: ['www.example.org'] },
  );
  const status = async (target: string, ...headers: string[]) => {
    const lines = [`GET ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''];
    return (await rawRequest(world.gateways[0], lines.join('\r\n'))).status;
  };
  expect(await status('/a', 'Host: www.example.org')).toBe(200);
  expect(await status('/a', 'Host: API.example.com:8443')).toBe(401);
  expect(await status('/open', 'Host: api.example.com')).toBe(401);
  expect(await status('/open', 'Host: www.example.com')).toBe(200);
  expect(await status('/a', 'Host: api.example.com', 'X-Forwarded-Host: www.example.org')).toBe(401);
  expect(await status('/a', 'Host: www.example.org', 'Host: api.example.com')).toBe(400);
  expect(await status('/a', 'Host: api.example.com@www.example.org')).toBe(400);
  expect(await status('http://www.example.org/a', 'Host: api.example.com')).toBe(400);
});

test.each(STYLES)(requirement('any-of-scopes', '%s'), async (style) => {
  const scopes = { GET: { anyOf: ['read', 'write'] }, POST: { allOf: ['read'], anyOf: ['write'] } };
  const world = await worldWith({ routes: [{ prefix: `/${style}`, api: resourceOf(style), scopes }] });
  const [read, write] = [await serviceToken(world, style, 'read'), await serviceToken(world, style, 'write')];
  expect((await ask(world, `/${style}`, read)).status).toBe(200);
  expect((await ask(world, `/${style}`, write)).status).toBe(200);
  // The gateway does not know the scope of an opaque token, so the API refuses it.
  const refused = await ask(world, `/${style}`, write, { method: 'POST' });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('www-authenticate')).toContain('scope="read write"');
});

test.each(STYLES)(requirement('tokens-of-another-issuer', '%s'), async (style) => {
  const other = await worldWith({});
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith({
    issuers: [
      {
        issuer: other.issuer,
        // The gateway finds the keys through the metadata.
        introspectionEndpoint: `${other.issuer}/token/introspection`,
        client: { id: 'gateway', secret: 'gateway-secret' },
      },
    ],
    routes: [
      { prefix: '/own', api: resourceOf(style), upstream: upstream.origin, onMiss: 'introspect' },
      {
        ...{ prefix: '/other', api: resourceOf(style), upstream: upstream.origin, onMiss: 'introspect' },
        ...{ issuer: other.issuer, accessTokens: style },
      },
    ],
  });
  const [own, foreign] = [await serviceToken(world, style), await serviceToken(other, style)];
  world.log.secret(foreign);
  // The gateway forwards every reference token for an opaque API, whoever issued it.
  const refused = style === 'opaque' ? 200 : 401;
  for (const _ of ['cold', 'cached']) {
    expect((await ask(world, '/own', own)).status).toBe(200);
    expect((await ask(world, '/other', foreign)).status).toBe(200);
    expect((await ask(world, '/own', foreign)).status).toBe(refused);
    expect((await ask(world, '/other', own)).status).toBe(refused);
  }
});

test(requirement('public-route'), async () => {
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith({
    routes: [
      { prefix: '/', public: true, upstream: upstream.origin },
      { prefix: '/admin', api, upstream: upstream.origin },
    ],
  });
  const token = await serviceToken(world, 'phantom');
  expect((await ask(world, '/page')).status).toBe(200);
  expect((await ask(world, '/page', token)).status).toBe(200);
  expect(JSON.stringify(upstream.requests)).not.toContain(token);
  upstream.requests.length = 0;
  for (const target of [
    '/admin',
    '/admin/a',
    '/Admin',
    '/%61dmin',
    '/%2561dmin',
    '/x/..;/admin',
    '//admin',
    '/;/admin',
  ]) {
    const { status } = await rawRequest(
      world.gateways[0],
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect([target, status]).toEqual([target, target.startsWith('/admin') ? 401 : 400]);
  }
  expect(upstream.requests).toEqual([]);
});

test(requirement('path-rewrite'), async () => {
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith({
    routes: [
      { prefix: '/public/phantom', api, rewrite: { prefix: '/v2' } },
      { prefix: '/bare', api, upstream: upstream.origin, rewrite: { stripPrefix: true } },
    ],
  });
  const token = await serviceToken(world, 'phantom');
  const answer = await ask(world, '/public/phantom/a//b;c?d=%2F', token);
  expect(await answer.json()).toMatchObject({
    path: '/v2/a//b;c?d=%2F',
    headers: { 'x-forwarded-prefix': '/public/phantom' },
  });
  expect((await ask(world, '/bare', token)).status).toBe(200);
  expect((await ask(world, '/bare//evil.example/', token)).status).toBe(400);
  expect(upstream.requests.map(({ url }) => url)).toEqual(['/']);
});

test(requirement('cors-preflight'), async () => {
  const page = 'https://app.example.com';
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith({
    cors: { origins: [page] },
    routes: [{ prefix: '/phantom', api, upstream: upstream.origin, scopes: { '*': ['write'] } }],
  });
  const origin = { Origin: page };
  const preflight = await ask(world, '/phantom', undefined, {
    method: 'OPTIONS',
    headers: { ...origin, 'Access-Control-Request-Method': 'PUT', 'Access-Control-Request-Headers': 'authorization' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(page);
  const refused = await ask(world, '/phantom', await serviceToken(world, 'phantom', 'read'), { headers: origin });
  expect(refused.status).toBe(403);
  expect(refused.headers.get('access-control-allow-origin')).toBe(page);
  expect(refused.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
  const elsewhere = await ask(world, '/phantom', undefined, { headers: { Origin: 'https://evil.example' } });
  expect(elsewhere.status).toBe(401);
  expect(elsewhere.headers.get('access-control-allow-origin')).toBeNull();
  expect(upstream.requests).toEqual([]);
});

test(requirement('limited-bodies'), async () => {
  const upstream = await startForTest(startRecordingApi());
  const world = await worldWith({
    limits: { maxBodyBytes: 1_000 },
    routes: [{ prefix: '/phantom', api, upstream: upstream.origin }],
  });
  const token = await serviceToken(world, 'phantom');
  const post = async (body: RequestInit['body']) =>
    (await ask(world, '/phantom', token, { method: 'POST', body, duplex: 'half' } as RequestInit)).status;
  const streamed = (size: number) => new Blob(['x'.repeat(size)]).stream();
  expect([await post('x'.repeat(1_000)), await post(streamed(1_000))]).toEqual([200, 200]);
  expect([await post('x'.repeat(1_001)), await post(streamed(1_001))]).toEqual([413, 413]);
  expect(upstream.requests).toHaveLength(2);
});

test(requirement('upstream-fails'), async () => {
  const [first, second] = [await startRecordingApi(), await startForTest(startRecordingApi())];
  const world = await worldWith({
    routes: [
      {
        ...{ prefix: '/phantom', api, upstreams: [first.origin, second.origin] },
        upstreamHealth: { maxFailures: 1, coolDown: 60_000 },
      },
    ],
  });
  const token = await serviceToken(world, 'phantom');
  const calls = async (count: number) => {
    for (let made = 0; made < count; made += 1) expect((await ask(world, '/phantom', token)).status).toBe(200);
  };
  await calls(4);
  expect([first.requests.length, second.requests.length]).toEqual([2, 2]);
  await first.stop();
  await calls(4);
  expect(second.requests).toHaveLength(6);
  const back = await startRecordingApi({ port: first.port });
  onTestFinished(back.stop);
  world.tallystick.clock.advance(60);
  await calls(4);
  expect([back.requests.length, second.requests.length]).toEqual([2, 8]);
});
