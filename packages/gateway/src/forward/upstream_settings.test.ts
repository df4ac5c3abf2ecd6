import { createServer as createHttpsServer } from 'node:https';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { message, openConnection, send } from '@tallystick/testing/raw_client';
import { makeCertificate, type TestCertificate } from '../testing/certificate.ts';
import type { GatewayInput, RouteInput } from '../testing/gateway_config.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startCannedUpstream, startUpstream, type TestUpstream } from '../testing/servers.ts';

const fixtures: GatewayFixture[] = [];
afterEach(async () => {
  await Promise.all(fixtures.splice(0).map((fixture) => fixture.stop()));
});

async function startFixtureWith(
  routes: readonly RouteInput[],
  changes: Partial<GatewayInput> = {},
): Promise<GatewayFixture> {
  const fixture = await startGatewayFixture(() => ({ routes, ...changes }));
  fixtures.push(fixture);
  return fixture;
}

const get = (path: string, ...headers: string[]) => message([`GET ${path} HTTP/1.1`, 'Connection: close', ...headers]);

describe('preserveHost', () => {
  async function hostAt(upstream: TestUpstream, settings: Partial<RouteInput>, ...headers: string[]) {
    const fixture = await startFixtureWith([{ prefix: '/', public: true, upstream: upstream.origin, ...settings }]);
    await send(fixture.port, get('/a', ...headers));
    return upstream.seen.at(-1)?.headers.host;
  }

  test('gives the API the Host of the client, with its port', async () => {
    const upstream = await startForTest(startUpstream());
    expect(await hostAt(upstream, { preserveHost: true }, 'Host: shop.example.com:8443')).toBe('shop.example.com:8443');
    expect(await hostAt(upstream, {}, 'Host: shop.example.com:8443')).toBe(`127.0.0.1:${upstream.port}`);
  });

  test('uses the Host of the upstream if the client sends none', async () => {
    const upstream = await startForTest(startUpstream());
    const fixture = await startFixtureWith([
      { prefix: '/', public: true, upstream: upstream.origin, preserveHost: true },
    ]);
    await send(fixture.port, 'GET /a HTTP/1.0\r\n\r\n');
    expect(upstream.seen.at(-1)?.headers.host).toBe(`127.0.0.1:${upstream.port}`);
  });

  test('applies to a second upstream and to a WebSocket too', async () => {
    const gone = await startUpstream();
    await gone.stop();
    const upstream = await startForTest(startUpstream());
    const fixture = await startFixtureWith([
      { prefix: '/', public: true, upstreams: [gone.origin, upstream.origin], preserveHost: true },
    ]);
    for (let round = 0; round < 2; round += 1) await send(fixture.port, get('/a', 'Host: shop.example.com'));
    const upgrade = ['Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='];
    const client = await openConnection(fixture.port);
    client.socket.write(message(['GET /a HTTP/1.1', 'Host: shop.example.com', 'Connection: Upgrade', ...upgrade]));
    await client.closed();
    expect(new Set(upstream.seen.map(({ headers }) => headers.host))).toEqual(new Set(['shop.example.com']));
    expect(upstream.seen.length).toBeGreaterThanOrEqual(2);
  });
});

describe('rewriteResponse', () => {
  /** @returns the headers that a client gets when an API sends these */
  async function answered(
    settings: Partial<RouteInput>,
    headers: (upstream: ListeningServer) => readonly string[],
    status = '302 Found',
  ) {
    const lines: string[] = [];
    const upstream = await startForTest(
      startUpstream((_request, response) => {
        response.socket?.end(
          `HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
        );
      }),
    );
    lines.push(...headers(upstream));
    const fixture = await startFixtureWith([{ prefix: '/shop', public: true, upstream: upstream.origin, ...settings }]);
    return send(fixture.port, get('/shop/a', 'Host: gateway.example.com'));
  }

  const valuesOf = (answer: string, name: string) =>
    [...answer.matchAll(new RegExp(`^${name}: (.*)\r$`, 'gim'))].map((match) => match[1]);
  const strip = { rewrite: { stripPrefix: true } } as const;
  const v2 = { rewrite: { prefix: '/v2' } } as const;

  test.each<[string, Partial<RouteInput>, (origin: string) => string, string | ((origin: string) => string)]>([
    ['a path, with the prefix stripped', strip, () => '/login?next=%2Fa#top', '/shop/login?next=%2Fa#top'],
    ['the root, with the prefix stripped', strip, () => '/', '/shop/'],
    ['a path, with the prefix replaced', v2, () => '/v2/login', '/shop/login'],
    ['the prefix itself, replaced', v2, () => '/v2', '/shop'],
    ['a path elsewhere at the API', v2, () => '/v1/login', '/v1/login'],
    ['a path with the same beginning', v2, () => '/v22/login', '/v22/login'],
    ['a path, where nothing is rewritten', {}, () => '/shop/login', '/shop/login'],
    ['the upstream', strip, (origin) => `${origin}/login?a=b`, '/shop/login?a=b'],
    ['the upstream, where nothing is rewritten', {}, (origin) => `${origin}/shop/b`, '/shop/b'],
    ['the upstream without a path', strip, (origin) => origin, '/shop/'],
    ['the upstream without a scheme', strip, (origin) => origin.slice('http:'.length), '/shop/'],
    ['the gateway, as the API knows it', strip, () => 'https://gateway.example.com/login', '/shop/login'],
    ['another server', strip, () => 'https://login.example.com/a', 'https://login.example.com/a'],
    ['another port of the upstream', strip, () => 'http://127.0.0.1:1/a', 'http://127.0.0.1:1/a'],
    ['another scheme', strip, () => 'myapp://callback', 'myapp://callback'],
    ['a relative path', strip, () => 'next', 'next'],
    ['another server, without a scheme', strip, () => '//evil.example/a', '//evil.example/a'],
    ['another server, with a backslash', strip, () => '/\\evil.example', '/\\evil.example'],
    [
      'a path that would become another server',
      { prefix: '/', rewrite: { prefix: '/v2' } },
      (origin) => `${origin}/v2//evil.example`,
      (origin) => `${origin}/v2//evil.example`,
    ],
    [
      'a path that would become another server, with a tab',
      { prefix: '/', rewrite: { prefix: '/v2' } },
      () => '/v2/\t/evil.example',
      '/v2/\t/evil.example',
    ],
    ['an invalid URL', strip, () => 'http://[', 'http://['],
  ])('changes a Location that leads to the route: %s', async (_, settings, location, expected) => {
    let origin = '';
    const answer = await answered({ ...settings, rewriteResponse: { location: true } }, (upstream) => {
      origin = upstream.origin;
      return [`Location: ${location(origin)}`];
    });
    expect(valuesOf(answer, 'location')).toEqual([typeof expected === 'string' ? expected : expected(origin)]);
  });

  test('changes Content-Location, and Location of 201', async () => {
    const answer = await answered(
      { ...strip, rewriteResponse: { location: true } },
      () => ['Location: /a/1', 'Content-Location: /a/1'],
      '201 Created',
    );
    expect([valuesOf(answer, 'location'), valuesOf(answer, 'content-location')]).toEqual([
      ['/shop/a/1'],
      ['/shop/a/1'],
    ]);
  });

  test.each([
    ['a=b; Domain=shop.internal; Path=/', { cookieDomain: '' }, 'a=b; Path=/'],
    ['a=b; domain = shop.internal', { cookieDomain: 'shop.example.com' }, 'a=b; Domain=shop.example.com'],
    ['a=b; Path=/; Secure', { cookieDomain: 'shop.example.com' }, 'a=b; Path=/; Secure'],
    ['a=b; HttpOnly; PATH=/', { cookiePath: true }, 'a=b; HttpOnly; Path=/shop'],
    ['a=b;Path=/cart;Secure', { cookiePath: true }, 'a=b; Path=/shop/cart;Secure'],
    ['a=b', { cookiePath: true, cookieDomain: '' }, 'a=b'],
    ['__Host-a=b; Path=/; Secure', { cookiePath: true }, '__Host-a=b; Path=/; Secure'],
    ['a=Path=/x; Path=/', { cookiePath: true }, 'a=Path=/x; Path=/shop'],
  ])('changes cookies: %s with %j', async (cookie, rewriteResponse, expected) => {
    const answer = await answered({ ...strip, rewriteResponse }, () => [`Set-Cookie: ${cookie}`, 'Set-Cookie: c=d']);
    expect(valuesOf(answer, 'set-cookie')).toEqual([expected, 'c=d']);
  });

  test('is off by default', async () => {
    const headers = ['Location: /login', 'Set-Cookie: a=b; Domain=shop.internal; Path=/'];
    const answer = await answered(strip, () => headers);
    for (const header of headers) expect(answer.toLowerCase()).toContain(header.toLowerCase());
  });

  test('applies to the handshake of a WebSocket, and to a response in its place', async () => {
    const bytes = (first: string, ...more: string[]) =>
      `${[first, ...more, 'Set-Cookie: a=b; Path=/', 'Location: /login'].join('\r\n')}\r\n\r\n`;
    for (const answer of [
      bytes('HTTP/1.1 101 Switching Protocols', 'Connection: Upgrade', 'Upgrade: websocket'),
      bytes('HTTP/1.1 302 Found', 'Content-Length: 0'),
    ]) {
      const upstream = await startForTest(startCannedUpstream(answer));
      const rewriteResponse = { location: true, cookiePath: true };
      const fixture = await startFixtureWith([
        { prefix: '/shop', public: true, upstream: upstream.origin, ...strip, rewriteResponse },
      ]);
      const client = await openConnection(fixture.port);
      const upgrade = [
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ];
      client.socket.write(message(['GET /shop/a HTTP/1.1', 'Host: g', 'Connection: Upgrade', ...upgrade]));
      const seen = await client.closed();
      expect(valuesOf(seen, 'set-cookie')).toEqual(['a=b; Path=/shop']);
      expect(valuesOf(seen, 'location')).toEqual(['/shop/login']);
    }
  });
});

describe('upstreamTls', () => {
  let internal: TestCertificate;
  let other: TestCertificate;
  let client: TestCertificate;
  beforeAll(async () => {
    [internal, other, client] = await Promise.all([
      makeCertificate('api.internal'),
      makeCertificate('other.internal'),
      makeCertificate('gateway'),
    ]);
  });

  /** Answers with the requested server name and the subject of the client certificate. */
  async function startTlsUpstream({ cert, key }: TestCertificate): Promise<ListeningServer> {
    const options = { cert, key, requestCert: true, rejectUnauthorized: false };
    const server = createHttpsServer(options, (request, response) => {
      const socket = request.socket as TLSSocket & { servername?: string };
      const shown = socket.getPeerCertificate();
      response.end(JSON.stringify({ sni: socket.servername || null, shown: shown.subject?.CN ?? null }));
    });
    return startForTest(listen(server));
  }

  const overTls = ({ port }: ListeningServer, host = '127.0.0.1') => `https://${host}:${port}`;

  test('trusts the CAs of the route for this route only', async () => {
    const upstream = await startTlsUpstream(internal);
    const tls = { public: true, upstream: overTls(upstream) } as const;
    const fixture = await startFixtureWith([
      { prefix: '/trusted', ...tls, upstreamTls: { ca: internal.cert } },
      { prefix: '/untrusted', ...tls },
      { prefix: '/other', ...tls, upstreamTls: { ca: other.cert } },
    ]);
    const status = async (path: string) => (await fetch(fixture.origin + path)).status;
    // In this order, because a kept connection of the first could serve the others.
    expect([
      await status('/trusted'),
      await status('/untrusted'),
      await status('/other'),
      await status('/trusted'),
    ]).toEqual([200, 502, 502, 200]);
    expect(fixture.log.filter(({ failure }) => failure === 'certificate_untrusted')).toHaveLength(2);
  });

  test('requires a certificate for servername, and sends that name', async () => {
    const upstream = await startTlsUpstream(internal);
    const route = (servername: string) =>
      ({
        prefix: `/${servername}`,
        public: true,
        upstream: overTls(upstream),
        upstreamTls: { ca: internal.cert, servername },
      }) as const;
    const fixture = await startFixtureWith([route('api.internal'), route('wrong.internal')]);
    const answer = await fetch(`${fixture.origin}/api.internal`);
    expect(await answer.json()).toEqual({ sni: 'api.internal', shown: null });
    expect((await fetch(`${fixture.origin}/wrong.internal`)).status).toBe(502);
  });

  test('presents the certificate of the route, and not for other routes', async () => {
    const upstream = await startTlsUpstream(internal);
    const upstreamTls = { ca: internal.cert, servername: 'api.internal' };
    const tls = { public: true, upstream: overTls(upstream) } as const;
    const fixture = await startFixtureWith([
      { prefix: '/shown', ...tls, upstreamTls: { ...upstreamTls, certificate: client.cert, key: client.key } },
      { prefix: '/plain', ...tls, upstreamTls },
    ]);
    const shown = async (path: string) =>
      ((await (await fetch(fixture.origin + path)).json()) as { shown: unknown }).shown;
    expect([await shown('/shown'), await shown('/plain'), await shown('/shown'), await shown('/plain')]).toEqual([
      'gateway',
      null,
      'gateway',
      null,
    ]);
  });

  test('checks the certificate against the name of the upstream, whatever Host the client sends', async () => {
    const upstream = await startTlsUpstream(internal);
    const fixture = await startFixtureWith([
      {
        prefix: '/',
        public: true,
        upstream: overTls(upstream),
        preserveHost: true,
        upstreamTls: { ca: internal.cert },
      },
    ]);
    expect(await send(fixture.port, get('/a', 'Host: shop.example.com'))).toMatch(/^HTTP\/1\.1 200 /);
  });
});
