import { describe, expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { message, send, statusOf } from '@tallystick/testing/raw_client';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { startAuthorizationServer, type TestAuthorizationServer } from '../testing/authorization_server.ts';
import type { GatewayInput, RouteInput } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';

/** A fixture with these routes, all to the same upstream. */
async function startFixtureWith(
  routes: (upstream: string) => readonly RouteInput[],
  change: Partial<GatewayInput> = {},
): Promise<GatewayFixture> {
  const fixture = await startGatewayFixture((config) => ({
    routes: routes(config.routes[0]?.upstream as string),
    ...change,
  }));
  onTestFinished(fixture.stop);
  return fixture;
}

describe('Alternative scopes', () => {
  const anyOf = (upstream: string): RouteInput => ({
    ...route('phantom', upstream),
    scopes: { GET: { anyOf: ['read', 'admin'] }, POST: { allOf: ['write'], anyOf: ['orders', 'admin'] } },
  });

  test('accept a token with any of them, on a cache hit too', async () => {
    const fixture = await startFixtureWith((upstream) => [anyOf(upstream)]);
    for (const scope of ['read', 'admin', 'other admin']) {
      const token = await fixture.issueReference(api('phantom'), { scope });
      expect((await fixture.call('/phantom', token)).status).toBe(200);
      expect((await fixture.call('/phantom', token)).status).toBe(200);
    }
  });

  test('are all listed in the challenge and in the metadata', async () => {
    const fixture = await startFixtureWith((upstream) => [anyOf(upstream)]);
    const refused = await fixture.call('/phantom', await fixture.issueReference(api('phantom'), { scope: 'other' }));
    expect(refused.status).toBe(403);
    expect(refused.headers.get('www-authenticate')).toContain(
      'error="insufficient_scope", error_description="the request needs one of the scopes read admin", scope="read admin"',
    );
    const token = await fixture.issueReference(api('phantom'), { scope: 'orders' });
    const post = await fixture.call('/phantom', token, { method: 'POST' });
    expect([post.status, post.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('scope="write orders admin"'),
    ]);
    expect(fixture.upstream.seen).toEqual([]);
    const metadata = await fixture.call('/.well-known/oauth-protected-resource/phantom');
    expect(await metadata.json()).toMatchObject({ scopes_supported: ['read', 'admin', 'write', 'orders'] });
  });
});

describe('The audience of a route', () => {
  test('accepts tokens for any of its values, which need not include the resource', async () => {
    const fixture = await startFixtureWith((upstream) => [
      { ...route('phantom', upstream), audience: ['https://a', 'https://b'] },
      { ...route('split', upstream), audience: 'https://b' },
    ]);
    const statuses = async (audience: unknown) => [
      (await fixture.call('/phantom', await fixture.issueReference('', { aud: audience }))).status,
      (await fixture.call('/split', await fixture.issueSplit('', { aud: audience }))).status,
    ];
    expect(await statuses('https://a')).toEqual([200, 401]);
    expect(await statuses('https://b')).toEqual([200, 200]);
    expect(await statuses(['https://x', 'https://b'])).toEqual([200, 200]);
    expect(await statuses(api('phantom'))).toEqual([401, 401]);
  });

  test('divides the cache: a token that was validated for one audience is not used for another', async () => {
    const fixture = await startFixtureWith((upstream) => [
      { ...route('phantom', upstream), prefix: '/a', audience: 'https://a' },
      { ...route('phantom', upstream), prefix: '/b', audience: 'https://b' },
    ]);
    const token = await fixture.issueReference('https://a');
    expect((await fixture.call('/a', token)).status).toBe(200);
    expect((await fixture.call('/b', token)).status).toBe(401);
    expect((await fixture.call('/a', token)).status).toBe(200);
  });
});

describe('The issuer of a route', () => {
  const otherIssuer = 'https://other.example.com';

  async function twoIssuers(): Promise<{ fixture: GatewayFixture; other: TestAuthorizationServer }> {
    const other = await startAuthorizationServer(() => Date.now());
    onTestFinished(other.stop);
    const fixture = await startFixtureWith(
      (upstream) =>
        [undefined, otherIssuer].flatMap((issuer) =>
          (['jwt', 'phantom', 'split'] as const).map((style) => ({
            ...route(style, upstream),
            prefix: `/${issuer === undefined ? 'own' : 'other'}/${style}`,
            onMiss: 'introspect' as const,
            ...(issuer && { issuer, accessTokens: style }),
          })),
        ),
      {
        issuers: [
          {
            issuer: otherIssuer,
            jwksUri: `${other.origin}/jwks`,
            introspectionEndpoint: `${other.origin}/introspect`,
            client: { id: 'gateway-there', secret: 'secret-there' },
          },
        ],
      },
    );
    return { fixture, other };
  }

  test.each(['jwt', 'phantom', 'split'] as const)('is the only one whose tokens are accepted: %s', async (style) => {
    const { fixture, other } = await twoIssuers();
    const own = await fixture.authorizationServer.issue({ aud: api(style) });
    const foreign = await other.issue({ aud: api(style), iss: otherIssuer });
    const held = (jwt: string) =>
      style === 'jwt' ? jwt : style === 'split' ? (jwt.split('.')[2] ?? '') : jwt.slice(-43).replaceAll('.', '-');
    fixture.authorizationServer.active.set(held(own), own);
    other.active.set(held(foreign), foreign);
    const status = async (path: string, jwt: string) => (await fixture.call(`${path}/${style}`, held(jwt))).status;
    for (const _ of ['cold', 'cached']) {
      expect(await status('/own', own)).toBe(200);
      expect(await status('/other', foreign)).toBe(200);
      expect(await status('/other', own)).toBe(401);
      expect(await status('/own', foreign)).toBe(401);
    }
    for (const { headers } of other.introspections) {
      expect(headers.authorization).toBe(`Basic ${btoa('gateway-there:secret-there')}`);
    }
  });

  test('does not accept a signature with a key of another issuer under the same kid', async () => {
    const { fixture, other } = await twoIssuers();
    const forged = await other.issue({ aud: api('jwt') });
    expect((await fixture.call('/own/jwt', forged)).status).toBe(401);
    const claimed = await fixture.authorizationServer.issue({ aud: api('jwt'), iss: otherIssuer });
    expect((await fixture.call('/other/jwt', claimed)).status).toBe(401);
  });

  test('has its own keys: a token leaves the cache when its issuer withdraws the key, even if another issuer has that kid', async () => {
    const { fixture, other } = await twoIssuers();
    const foreign = await other.issue({ aud: api('phantom'), iss: otherIssuer });
    const token = 'x'.repeat(43);
    other.active.set(token, foreign);
    expect((await fixture.call('/other/phantom', token)).status).toBe(200);
    other.keys = [await createSigningKey('key-2')];
    // A token with an unknown key makes the gateway fetch the keys again, but not at once.
    fixture.clock.time += 6_000;
    await fixture.call(
      '/other/jwt',
      await other.issue({ aud: api('jwt'), iss: otherIssuer }, { key: other.keys[0] as never }),
    );
    expect((await fixture.call('/other/phantom', token)).status).not.toBe(200);
    expect(other.introspections).toHaveLength(2);
  });

  test('is in the metadata of its APIs', async () => {
    const { fixture } = await twoIssuers();
    const metadata = await fixture.call('/.well-known/oauth-protected-resource/jwt');
    expect(await metadata.json()).toMatchObject({ authorization_servers: ['https://login.example.com', otherIssuer] });
  });
});

describe('A public route', () => {
  test('does not forward the token of a client in another header', async () => {
    const fixture = await startFixtureWith((upstream) => [{ prefix: '/', public: true, upstream }]);
    const token = await fixture.issueReference(api('phantom'));
    for (const scheme of ['Bearer', 'DPoP', 'bearer ']) {
      const headers = { Authorization: `${scheme} ${token}`, 'X-Debug': `token=${token}`, Cookie: `a=${token}` };
      const statuses = [`/a?q=${token}`, `/${token}`, '/a'].map(
        async (path) => (await fixture.call(path, undefined, { headers })).status,
      );
      expect(await Promise.all(statuses)).toEqual([400, 400, 200]);
    }
    expect(fixture.upstream.seen).toHaveLength(3);
    expect(JSON.stringify([fixture.upstream.seen, fixture.log])).not.toContain(token);
  });

  const withPublic = () =>
    startFixtureWith((upstream) => [
      { prefix: '/', public: true, upstream },
      { ...route('split', upstream), prefix: '/admin' },
    ]);

  test('is served without a token, and forwards none', async () => {
    const fixture = await withPublic();
    expect((await fixture.call('/page')).status).toBe(200);
    const signature = await fixture.issueSplit(api('split'));
    const answer = await fixture.call('/page', signature, {
      headers: { 'X-User': 'admin', 'X-Forwarded-For': '1.2.3.4' },
    });
    expect(answer.status).toBe(200);
    for (const { headers } of fixture.upstream.seen) {
      expect(headers).not.toHaveProperty('authorization');
      expect(headers).not.toHaveProperty('x-user');
      expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    }
    expect(JSON.stringify(fixture.upstream.seen)).not.toContain(signature);
    expect(fixture.store.lookups).toBe(0);
  });

  test('is served with any Authorization header', async () => {
    const fixture = await withPublic();
    const lines = ['GET /page HTTP/1.1', 'Host: g', 'Connection: close', 'Authorization: junk', 'authorization: more'];
    expect(statusOf(await send(fixture.port, message(lines)))).toBe(200);
    expect(JSON.stringify(fixture.upstream.seen)).not.toMatch(/junk|more/);
  });

  test('does not expose a protected route below it', async () => {
    const fixture = await withPublic();
    for (const target of [
      '/admin',
      '/admin/a',
      '/Admin',
      '/%61dmin',
      '/%2561dmin',
      '/x/..;/admin',
      '//admin',
      '/x/../admin',
    ]) {
      const answer = await send(fixture.port, message([`GET ${target} HTTP/1.1`, 'Host: g', 'Connection: close']));
      expect([target, statusOf(answer)]).toEqual([target, target.startsWith('/admin') ? 401 : 400]);
    }
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('is logged without a style', async () => {
    const fixture = await withPublic();
    await (await fixture.call('/page')).text();
    expect(fixture.log.at(-1)).toMatchObject({ message: 'request served', route: '/', cache: 'none', status: 200 });
  });
});

test('APIs on different hosts have their metadata there, even with the same path', async () => {
  const resource = (name: string) => `https://${name}.example.com/`;
  const at = (name: string, upstream: string) => ({
    ...route('phantom', upstream),
    prefix: '/',
    host: `${name}.example.com`,
    api: resource(name),
  });
  const fixture = await startFixtureWith((upstream) => [at('a', upstream), at('b', upstream)]);
  const metadata = async (host: string) =>
    send(
      fixture.port,
      message(['GET /.well-known/oauth-protected-resource HTTP/1.1', `Host: ${host}`, 'Connection: close']),
    );
  expect(await metadata('a.example.com')).toContain(`"resource":"${resource('a')}"`);
  expect(await metadata('B.example.com:8443')).toContain(`"resource":"${resource('b')}"`);
  expect(statusOf(await metadata('c.example.com'))).toBe(404);
});

test('A web page may send its own headers to fetch metadata', async () => {
  const fixture = await startFixtureWith((upstream) => [route('phantom', upstream)]);
  const response = await fetch(`${fixture.origin}/.well-known/oauth-protected-resource/phantom`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' },
  });
  expect(response.status).toBe(204);
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  expect(response.headers.get('access-control-allow-headers')).toBe('*');
});

test('Host selects the route, and X-Forwarded-Host does not', async () => {
  const fixture = await startFixtureWith((upstream) => [
    { prefix: '/', public: true, upstream },
    { ...route('split', upstream), prefix: '/', host: 'api.example.com' },
  ]);
  const ask = async (...headers: string[]) =>
    statusOf(await send(fixture.port, message(['GET /a HTTP/1.1', ...headers, 'Connection: close'])));
  expect(await ask('Host: api.example.com')).toBe(401);
  expect(await ask('Host: API.example.com.:443')).toBe(401);
  expect(await ask('Host: api.example.com', 'X-Forwarded-Host: other')).toBe(401);
  expect(await ask('Host: other', 'X-Forwarded-Host: api.example.com', 'Forwarded: host=api.example.com')).toBe(200);
  expect(await ask('Host: api.example.com', 'Host: other')).toBe(400);
  expect(await ask('Host: other', 'Host: api.example.com')).toBe(400);
  expect(await ask('Host: api.example.com,other')).toBe(400);
  const absolute = ['GET http://other/a HTTP/1.1', 'Host: api.example.com', 'Connection: close'];
  expect(statusOf(await send(fixture.port, message(absolute)))).toBe(400);
  expect(fixture.upstream.seen).toHaveLength(1);
});
