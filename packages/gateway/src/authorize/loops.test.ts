import { createServer, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { openConnection, statusOf } from '@tallystick/testing/raw_client';
import type { GatewayInput } from '../testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startRawUpstream } from '../testing/servers.ts';

/** An upstream that leads back to the gateway. */
interface WayBack extends ListeningServer {
  /** Where it forwards to. */
  to: { readonly port: number } | undefined;
  /** Number of connections or requests so far. */
  passed: number;
}

/** Forwards bytes unchanged, as if the upstream were the gateway's own address. */
async function startWire(): Promise<WayBack> {
  const running = await startRawUpstream((socket) => {
    way.passed += 1;
    const on = connect(way.to?.port ?? 0, '127.0.0.1');
    on.on('error', () => socket.destroy());
    socket.pipe(on).pipe(socket);
  });
  const way: WayBack = { ...running, to: undefined, passed: 0 };
  return way;
}

/** A load balancer, which adds its own `Via`. */
async function startBalancer(): Promise<WayBack> {
  const server = createServer((request, response) => {
    way.passed += 1;
    const headers = { ...request.headers, via: `${request.headers.via}, 1.1 balancer` };
    const on = httpRequest(
      { port: way.to?.port ?? 0, method: request.method, path: request.url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(on);
  });
  const way: WayBack = { ...(await listen(server)), to: undefined, passed: 0 };
  return way;
}

const looping = (upstream: string) => ({ routes: Object.values(routesTo(upstream)) }) satisfies Partial<GatewayInput>;

function routesTo(upstream: string) {
  const named = (name: 'phantom' | 'split' | 'jwt') => route(name, upstream);
  return {
    public: { prefix: '/public', public: true, upstream } as const,
    jwt: named('jwt'),
    phantom: named('phantom'),
    split: named('split'),
  };
}

describe.each([
  ['directly', startWire],
  ['through a load balancer', startBalancer],
])('A route that leads to the gateway itself, %s', (_, start) => {
  let way: WayBack;
  let fixture: GatewayFixture;

  async function build() {
    way = await startForTest(start());
    fixture = await startForTest(startGatewayFixture(() => looping(way.origin)));
    way.to = fixture;
  }

  test.each(['public', 'jwt', 'phantom', 'split'] as const)(
    'gets 508 after one round, in every style: %s',
    async (name) => {
      await build();
      const tokens = {
        public: async () => undefined,
        jwt: () => fixture.authorizationServer.issue({ aud: api('jwt') }),
        phantom: () => fixture.issueReference(api('phantom')),
        split: () => fixture.issueSplit(api('split')),
      };
      const answer = await fixture.call(`/${name}`, await tokens[name]());
      expect(answer.status).toBe(508);
      expect(await answer.json()).toMatchObject({ error: 'loop_detected' });
      expect(way.passed).toBe(1);
      const line = fixture.log.find(({ error }) => error === 'loop_detected');
      expect(line).toMatchObject({ level: 'warn', status: 508, route: `/${name}` });
    },
  );
});

test('A WebSocket that comes back gets 508 too', async () => {
  const way = await startForTest(startWire());
  const fixture = await startForTest(startGatewayFixture(() => looping(way.origin)));
  way.to = fixture;
  const client = await openConnection(fixture.port);
  client.socket.write(
    'GET /public HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  expect(statusOf(await client.closed())).toBe(508);
  expect(way.passed).toBe(1);
});

test('A chain of gateways is not a loop, and each one appends itself to Via', async () => {
  const seen: IncomingMessage['headers'][] = [];
  const last = await startForTest(
    startGatewayFixture(
      ({ routes }) => ({ routes: [{ prefix: '/', public: true, upstream: routes[0]?.upstream ?? '' }] }),
      undefined,
      (request, response) => {
        seen.push(request.headers);
        response.end('ok');
      },
    ),
  );
  const first = await startForTest(
    startGatewayFixture(() => ({ routes: [{ prefix: '/', public: true, upstream: last.origin }] })),
  );
  expect((await fetch(`${first.origin}/a`, { headers: { Via: '1.0 client.example, 1.1 proxy' } })).status).toBe(200);
  const parts = String(seen[0]?.via).split(', ');
  expect(parts.slice(0, 2)).toEqual(['1.0 client.example', '1.1 proxy']);
  expect(parts.slice(2)).toEqual([
    expect.stringMatching(/^1\.1 tallystick-/),
    expect.stringMatching(/^1\.1 tallystick-/),
  ]);
  expect(new Set(parts).size).toBe(4);
});

test('A client cannot remove the Via of the gateway with Connection', async () => {
  const way = await startForTest(startWire());
  const fixture = await startForTest(startGatewayFixture(() => looping(way.origin)));
  way.to = fixture;
  const client = await openConnection(fixture.port);
  client.socket.write('GET /public HTTP/1.1\r\nHost: g\r\nConnection: close, via\r\nVia: 1.1 a\r\n\r\n');
  expect(statusOf(await client.closed())).toBe(508);
  expect(way.passed).toBe(1);
});

test('Via says that the client spoke HTTP/1.0', async () => {
  const fixture = await startForTest(
    startGatewayFixture(({ routes }) => ({
      routes: [{ prefix: '/', public: true, upstream: routes[0]?.upstream ?? '' }],
    })),
  );
  const client = await openConnection(fixture.port);
  client.socket.write('GET /a HTTP/1.0\r\n\r\n');
  expect(statusOf(await client.closed())).toBe(200);
  expect(fixture.upstream.seen[0]?.headers.via).toMatch(/^1\.0 tallystick-[\w-]{12}$/);
});

test('A gateway behind this one may ask it for a decision about a request from it', async () => {
  const fixture = await startForTest(
    startGatewayFixture(({ routes }) => ({
      trustedProxies: ['127.0.0.1'],
      decisionEndpoints: [{ path: '/decide', for: 'nginx' }],
      routes: [{ prefix: '/public', public: true, upstream: routes[0]?.upstream ?? '' }],
    })),
  );
  await fetch(`${fixture.origin}/public`);
  const via = String(fixture.upstream.seen[0]?.headers.via);
  const headers = { Via: via, 'X-Original-Method': 'GET', 'X-Original-URI': '/public' };
  expect((await fetch(`${fixture.origin}/decide`, { headers })).status).toBe(200);
  expect((await fetch(`${fixture.origin}/public`, { headers: { Via: via } })).status).toBe(508);
});
