import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished, startForTest } from '@tallystick/testing/on_test_finished';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { createGatewayServer } from '../server.ts';
import { gatewayConfigOf } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startRawUpstream } from '../testing/servers.ts';

let fixture: GatewayFixture;
let authorization: string;
beforeEach(async () => {
  fixture = await startGatewayFixture(({ routes }) => ({
    limits: { maxBodyBytes: 10 },
    routes: [
      ...routes,
      { ...route('phantom', routes[0]?.upstream ?? ''), prefix: '/large', limits: { maxBodyBytes: 1_000_000 } },
    ],
  }));
  authorization = `Authorization: Bearer ${await fixture.issueReference(api('phantom'), { scope: 'write' })}`;
});
afterEach(() => fixture.stop());

const post = (headers: string[], body = '', path = '/phantom') =>
  message([`POST ${path} HTTP/1.1`, 'Host: g', authorization, 'Connection: close', ...headers], body);
const chunks = (...sizes: number[]) => sizes.map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`).join('');

describe('A request body', () => {
  test('of the maximum size is passed on, with and without Content-Length', async () => {
    expect(statusOf(await send(fixture.port, post(['Content-Length: 10'], 'x'.repeat(10))))).toBe(200);
    expect(statusOf(await send(fixture.port, post(['Transfer-Encoding: chunked'], `${chunks(4, 6)}0\r\n\r\n`)))).toBe(
      200,
    );
    expect(fixture.upstream.seen.map(({ body }) => body)).toEqual(['x'.repeat(10), 'x'.repeat(10)]);
  });

  test('with a larger Content-Length gets 413 at once, and no upstream is called', async () => {
    const client = await openConnection(fixture.port);
    client.socket.write(post(['Content-Length: 11']));
    expect(await client.until(/content_too_large/)).toMatch(/^HTTP\/1\.1 413 /);
    expect(await fixture.upstream.connections()).toBe(0);
    client.socket.destroy();
  });

  test.each([[[11]], [[4, 7]], [[4, 4, 4, 1_000_000]]])(
    'that exceeds the limit while it arrives gets 413, and the API does not get a complete one: %j',
    async (sizes) => {
      const answer = await send(fixture.port, post(['Transfer-Encoding: chunked'], `${chunks(...sizes)}0\r\n\r\n`));
      expect(statusOf(answer)).toBe(413);
      expect(JSON.parse(bodyOf(answer))).toEqual({
        error: 'content_too_large',
        error_description: 'the request body is larger than 10 bytes',
      });
      await until(async () => (await fixture.upstream.connections()) === 0);
      expect(fixture.upstream.seen).toEqual([]);
    },
  );

  test('that is too large gets 413 on a reused connection too', async () => {
    await (await fixture.call('/phantom', authorization.split(' ')[2], { method: 'PUT' })).text();
    const answer = await send(fixture.port, post(['Transfer-Encoding: chunked'], `${chunks(11)}0\r\n\r\n`));
    expect(statusOf(answer)).toBe(413);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('may be larger on a route with its own limit', async () => {
    const body = 'x'.repeat(1_000);
    expect(statusOf(await send(fixture.port, post(['Content-Length: 1000'], body, '/large')))).toBe(200);
    expect(statusOf(await send(fixture.port, post(['Content-Length: 1000001'], '', '/large')))).toBe(413);
  });

  test('that is too large is refused after the access token', async () => {
    const lines = ['POST /phantom HTTP/1.1', 'Host: g', 'Connection: close', 'Content-Length: 1000'];
    expect(statusOf(await send(fixture.port, message(lines, 'x'.repeat(1_000))))).toBe(401);
  });
});

test('A response that begins before the body exceeds the limit is broken off', async () => {
  const early = await startForTest(
    startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')),
    ),
  );
  const before = await startForTest(
    startGatewayFixture(() => ({
      routes: [{ prefix: '/', public: true, upstream: early.origin, limits: { maxBodyBytes: 10 } }],
    })),
  );
  const client = await openConnection(before.port);
  client.socket.write(message(['POST / HTTP/1.1', 'Host: g', 'Transfer-Encoding: chunked'], chunks(4)));
  await client.until(/half$/);
  client.socket.write(chunks(100));
  const answer = await client.closed();
  expect([statusOf(answer), bodyOf(answer)]).toEqual([200, 'half']);
});

describe('The server', () => {
  test('refuses headers larger than maxHeaderBytes', async () => {
    const server = await startForTest(
      listen(createGatewayServer(fixture.gateway, gatewayConfigOf({ limits: { maxHeaderBytes: 2_000 } }))),
    );
    const get = (size: number) =>
      message(['GET /healthz HTTP/1.1', 'Host: g', 'Connection: close', `X-A: ${'a'.repeat(size)}`]);
    expect(statusOf(await send(server.port, get(1_500)))).toBe(200);
    expect(statusOf(await send(server.port, get(2_500)))).toBe(431);
  });

  test('refuses a request that does not arrive within requestTimeout, however steadily it arrives', async () => {
    const server = await startForTest(
      listen(createGatewayServer(fixture.gateway, gatewayConfigOf({ timeouts: { request: 300 } }))),
    );
    const client = await openConnection(server.port);
    client.socket.write(post(['Transfer-Encoding: chunked'], chunks(1), '/large'));
    await until(async () => (await fixture.upstream.connections()) === 1);
    const trickle = setInterval(() => client.socket.write(chunks(1)), 20);
    onTestFinished(() => clearInterval(trickle));
    expect(statusOf(await client.closed())).toBe(408);
    await until(async () => (await fixture.upstream.connections()) === 0);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('refuses headers that do not arrive in time', async () => {
    const server = await startForTest(
      listen(createGatewayServer(fixture.gateway, gatewayConfigOf({ timeouts: { request: 200 } }))),
    );
    const client = await openConnection(server.port);
    client.socket.write('GET /healthz HTTP/1.1\r\nHost: g\r\nX-A: a');
    expect(statusOf(await client.closed())).toBe(408);
  });
});

test('A route can have its own upstream timeout', async () => {
  let respond: () => void = () => {};
  const other = await startForTest(
    startGatewayFixture(
      ({ routes, timeouts }) => ({
        timeouts: { ...timeouts, upstream: 50 },
        routes: [
          { prefix: '/short', public: true, upstream: routes[0]?.upstream ?? '' },
          { prefix: '/long', public: true, upstream: routes[0]?.upstream ?? '', timeouts: { upstream: 60_000 } },
        ],
      }),
      undefined,
      (request, response) => {
        if (request.url === '/long') respond = () => response.end('late');
      },
    ),
  );
  const long = other.call('/long');
  await until(() => other.upstream.seen.length === 1);
  expect((await other.call('/short')).status).toBe(504);
  respond();
  expect(await (await long).text()).toBe('late');
});

test('The API gets the removed prefix in X-Forwarded-Prefix, and not the value of a client', async () => {
  const other = await startForTest(
    startGatewayFixture(({ routes }) => ({
      routes: [
        { prefix: '/orders', public: true, upstream: routes[0]?.upstream ?? '', rewrite: { stripPrefix: true } },
        { prefix: '/', public: true, upstream: routes[0]?.upstream ?? '', rewrite: { prefix: '/v2' } },
        { prefix: '/as-it-is', public: true, upstream: routes[0]?.upstream ?? '' },
      ],
    })),
  );
  for (const target of ['/orders/a//b?c=%2F', '/x', '/as-it-is', '/orders//evil.example']) {
    await send(
      other.port,
      message([`GET ${target} HTTP/1.1`, 'Host: g', 'X-Forwarded-Prefix: /x', 'Connection: close']),
    );
  }
  expect(other.upstream.seen.map(({ url, headers }) => [url, headers['x-forwarded-prefix']])).toEqual([
    ['/a//b?c=%2F', '/orders'],
    ['/v2/x', undefined],
    ['/as-it-is', undefined],
  ]);
});
