import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(({ routes }) => {
    const phantom = route('phantom', routes[0]?.upstream ?? '');
    const scopes = { '*': ['read'] };
    return {
      trustedProxies: ['127.0.0.1'],
      decisionEndpoints: [{ path: '/decide', for: 'nginx' }],
      routes: [
        { ...phantom, scopes },
        { ...phantom, scopes, prefix: '/socket', tokenSubprotocol: 'access_token.' },
        { ...phantom, scopes, prefix: '/query', accessTokenInQuery: 'forward' },
        { ...phantom, scopes, prefix: '/cookie', tokenCookie: { name: '__Host-token' } },
        { prefix: '/public', public: true, upstream: routes[0]?.upstream ?? '' },
      ],
    };
  });
});
afterEach(() => fixture.stop());

const issue = () => fixture.issueReference(api('phantom'));

describe('A WebSocket whose token is in a subprotocol', () => {
  const handshake = (path: string, ...headers: string[]) =>
    message([
      `GET ${path} HTTP/1.1`,
      'Host: g',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      ...headers,
    ]);

  /** The upstream answers 200 instead of opening a WebSocket: the test needs to see only that the request was forwarded. */
  async function ask(path: string, ...headers: string[]): Promise<number> {
    const client = await openConnection(fixture.port);
    client.socket.write(handshake(path, ...headers));
    return statusOf(await client.closed());
  }

  const offered = () => fixture.upstream.seen.map(({ headers }) => headers['sec-websocket-protocol']);

  test.each<[string, (token: string) => string[], string | undefined]>([
    ['beside another subprotocol', (token) => [`Sec-WebSocket-Protocol: chat, access_token.${token}`], 'chat'],
    ['first', (token) => [`Sec-WebSocket-Protocol: access_token.${token},chat , v2`], 'chat, v2'],
    ['alone', (token) => [`Sec-WebSocket-Protocol: access_token.${token}`], undefined],
    [
      'in a separate header',
      (token) => ['Sec-WebSocket-Protocol: chat', `Sec-WebSocket-Protocol: access_token.${token}`],
      'chat',
    ],
  ])('is served, and the API gets the JWT and the other subprotocols: %s', async (_, headers, expected) => {
    const token = await issue();
    expect(await ask('/socket', ...headers(token))).toBe(200);
    expect(fixture.upstream.seen[0]?.headers.authorization).toBe(
      `Bearer ${fixture.authorizationServer.active.get(token)}`,
    );
    expect(offered()).toEqual([expected]);
    expect(JSON.stringify(fixture.upstream.seen)).not.toContain(token);
    expect(JSON.stringify(fixture.log)).not.toContain(token);
  });

  test.each<[string, string, (token: string) => string[], number]>([
    ['a route without tokenSubprotocol', '/phantom', (token) => [`Sec-WebSocket-Protocol: access_token.${token}`], 401],
    ['another prefix', '/socket', (token) => [`Sec-WebSocket-Protocol: bearer.${token}`], 401],
    ['the prefix in another case', '/socket', (token) => [`Sec-WebSocket-Protocol: Access_Token.${token}`], 401],
    ['no token', '/socket', () => ['Sec-WebSocket-Protocol: access_token.'], 401],
    ['an unknown token', '/socket', () => [`Sec-WebSocket-Protocol: access_token.${'x'.repeat(43)}`], 401],
    [
      'two tokens',
      '/socket',
      (token) => [`Sec-WebSocket-Protocol: access_token.${token}, access_token.${'x'.repeat(43)}`],
      400,
    ],
    [
      'a token in Authorization too',
      '/socket',
      (token) => [`Sec-WebSocket-Protocol: access_token.${token}`, `Authorization: Bearer ${token}`],
      400,
    ],
  ])('is refused with %s', async (_, path, headers, status) => {
    const token = await issue();
    expect(await ask(path, ...headers(token))).toBe(status);
    expect(fixture.upstream.seen).toEqual([]);
    expect(JSON.stringify(fixture.log)).not.toContain(token);
  });

  test('gets no decision for another gateway, which would forward the token', async () => {
    const token = await issue();
    const headers = [
      'X-Original-Method: GET',
      'X-Original-URI: /socket',
      `Sec-WebSocket-Protocol: chat, access_token.${token}`,
    ];
    expect(await ask('/decide', ...headers)).toBe(400);
    expect(await ask('/decide', ...headers.slice(0, 2), `Authorization: Bearer ${token}`)).toBe(200);
  });

  test('may have its token in Authorization instead', async () => {
    expect(await ask('/socket', `Authorization: Bearer ${await issue()}`)).toBe(200);
  });

  test('must be a WebSocket: in other requests the header is ignored, and the token is not forwarded', async () => {
    const token = await issue();
    const header = `Sec-WebSocket-Protocol: access_token.${token}`;
    const get = (...headers: string[]) =>
      send(fixture.port, message(['GET /socket HTTP/1.1', 'Host: g', 'Connection: close', header, ...headers]));
    expect(statusOf(await get())).toBe(401);
    expect(statusOf(await get(`Authorization: Bearer ${await issue()}`))).toBe(200);
    expect(offered()).toEqual([undefined]);
  });

  test('is logged without a path that contains the token', async () => {
    const token = await issue();
    expect(await ask(`/nowhere/${token}`, `Sec-WebSocket-Protocol: access_token.${token}`)).toBe(404);
    expect(JSON.stringify(fixture.log)).not.toContain(token);
  });
});

describe('An access_token in the query', () => {
  test('is forwarded unchanged with accessTokenInQuery: forward', async () => {
    const token = await issue();
    const answer = await fixture.call('/query?access_token=of-somebody-else&a=b', token);
    expect(answer.status).toBe(200);
    expect(fixture.upstream.seen[0]?.url).toBe('/query?access_token=of-somebody-else&a=b');
  });

  test('is refused by default', async () => {
    expect((await fixture.call('/phantom?access_token=of-somebody-else', await issue())).status).toBe(400);
  });

  test('is refused even if the token is elsewhere in the request', async () => {
    const token = await issue();
    const get = (...headers: string[]) => message(['GET /cookie?access_token=x HTTP/1.1', 'Host: g', ...headers]);
    const cookie = [`Cookie: __Host-token=${token}`, 'X-CSRF: 1', 'Connection: close'];
    expect(statusOf(await send(fixture.port, get(...cookie)))).toBe(400);
    expect(statusOf(await send(fixture.port, get(...cookie).replace('?access_token=x', '')))).toBe(200);
    const subprotocol = `Sec-WebSocket-Protocol: chat, access_token.${token}`;
    const handshake = get(subprotocol, 'Connection: Upgrade', 'Upgrade: websocket').replace('/cookie', '/socket');
    expect(statusOf(await send(fixture.port, handshake))).toBe(400);
    expect(fixture.upstream.seen).toHaveLength(1);
  });

  test('is not read as the token, and must not be the client’s own token', async () => {
    const token = await issue();
    expect((await fixture.call(`/query?access_token=${token}`)).status).toBe(401);
    expect((await fixture.call(`/query?access_token=${token}`, token)).status).toBe(400);
    expect(fixture.upstream.seen).toEqual([]);
    expect(JSON.stringify(fixture.log)).not.toContain(token);
  });
});

describe('gRPC and trailers', () => {
  test.each(['application/grpc', 'application/grpc+proto', 'Application/gRPC; charset=x'])(
    'gRPC is refused, and the error says why: %s',
    async (type) => {
      for (const path of ['/public/a', '/phantom/a']) {
        const answer = await fixture.call(path, await issue(), { method: 'POST', headers: { 'Content-Type': type } });
        expect(answer.status).toBe(501);
        expect(await answer.json()).toEqual({
          error: 'not_implemented',
          error_description: expect.stringContaining('gRPC needs HTTP/2'),
        });
      }
      expect(fixture.upstream.seen).toEqual([]);
    },
  );

  test('HTTP/2 with prior knowledge, as gRPC clients use it, gets 505', async () => {
    const answer = await send(fixture.port, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    expect(statusOf(answer)).toBe(505);
    expect(answer).toContain('"error":"http_version_not_supported"');
    expect(answer).toContain('HTTP/2 is not served here');
  });

  test.each(['application/grpc-web', 'application/grpc-web+proto', 'application/grpcish'])(
    '%s is forwarded',
    async (type) => {
      const answer = await fixture.call('/public/a', undefined, { method: 'POST', headers: { 'Content-Type': type } });
      expect(answer.status).toBe(200);
    },
  );

  test('a request is forwarded without its trailers', async () => {
    const chunked = 'Transfer-Encoding: chunked';
    const head = ['POST /public/a HTTP/1.1', 'Host: g', 'Connection: close', 'Trailer: X-Sum', chunked];
    const answer = await send(fixture.port, message(head, '4\r\nbody\r\n0\r\nX-Sum: 1\r\n\r\n'));
    expect(statusOf(answer)).toBe(200);
    expect(fixture.upstream.seen).toMatchObject([{ body: 'body' }]);
    expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('trailer');
    expect(fixture.upstream.seen[0]?.headers).not.toHaveProperty('x-sum');
  });
});
