import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { until } from '@tallystick/testing/until';
import { WebSocket, WebSocketServer } from 'ws';
import { createReplaceableGateway, type ReplaceableGateway } from './replaceable_gateway.ts';
import { createGatewayServer } from './server.ts';
import { type GatewayInput, gatewayConfigOf } from './testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from './testing/gateway_fixture.ts';
import { startUpstream, type TestUpstream } from './testing/servers.ts';

let fixture: GatewayFixture;
let config: GatewayInput;
let gateway: ReplaceableGateway;
let server: ListeningServer;
let answer: () => void;
let slow: TestUpstream;
let other: TestUpstream;

beforeEach(async () => {
  slow = await startUpstream((_request, response) => {
    answer = () => response.end('slow');
  });
  other = await startUpstream((_request, response) => response.end('other'));
  fixture = await startGatewayFixture((given) => {
    config = { ...given, timeouts: { ...given.timeouts, drain: 50 } };
    return {};
  });
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  gateway = createReplaceableGateway(gatewayConfigOf(config), {
    store: fixture.store,
    log,
    now: () => fixture.clock.time,
  });
  server = await listen(createGatewayServer(gateway, fixture.config));
});
afterEach(async () => {
  await gateway.close();
  await Promise.all([server.stop(), fixture.stop(), slow.stop(), other.stop()]);
});

const sendingTo = (upstream: string, change: Partial<GatewayInput> = {}) =>
  gatewayConfigOf({ ...config, routes: [route('split', upstream)], ...change });

async function call(path: string, token: string): Promise<{ status: number; body: string }> {
  const response = await fetch(`${server.origin}${path}`, { headers: { Authorization: `Bearer ${token}` } });
  return { status: response.status, body: await response.text() };
}

test('new requests use the new configuration, and a request in progress finishes with the old one', async () => {
  const token = await fixture.issueSplit(api('split'));
  await gateway.replace(sendingTo(slow.origin));
  const underWay = call('/split', token);
  await until(() => slow.seen.length === 1);
  await gateway.replace(sendingTo(other.origin));
  expect(await call('/split', token)).toEqual({ status: 200, body: 'other' });
  expect((await call('/jwt', token)).status).toBe(404);
  answer();
  expect(await underWay).toEqual({ status: 200, body: 'slow' });
  // The gateway of the fixture listens too; replaced gateways have unsubscribed.
  await until(() => fixture.store.listeners.size === 2);
});

test('under load no request fails, however often the configuration is replaced', async () => {
  const tokens = await Promise.all(Array.from({ length: 20 }, () => fixture.issueSplit(api('split'))));
  let replaced = false;
  const load = tokens.map(async (token) => {
    const statuses = new Set<number>();
    while (!replaced) statuses.add((await call('/split', token)).status);
    return statuses;
  });
  for (let round = 0; round < 20; round += 1) {
    // Every other configuration has other keys, which are fetched before it takes over.
    const jwks = { cooldown: 1 + Math.floor(round / 2) };
    await gateway.replace(sendingTo(round % 3 === 0 ? other.origin : fixture.upstream.origin, { jwks }));
  }
  replaced = true;
  for (const statuses of await Promise.all(load)) expect([...statuses]).toEqual([200]);
});

describe('A WebSocket', () => {
  let echo: WebSocketServer;
  beforeEach(async () => {
    echo = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    echo.on('connection', (socket) => socket.on('message', (text) => socket.send(String(text))));
    await once(echo, 'listening');
  });
  afterEach(() => void echo.close());

  async function open(): Promise<WebSocket> {
    const { port } = echo.address() as { port: number };
    await gateway.replace(sendingTo(`http://127.0.0.1:${port}`));
    const token = await fixture.issueSplit(api('split'));
    const socket = new WebSocket(`${server.origin.replace('http', 'ws')}/split`, {
      headers: { Authorization: `Bearer ${token}` },
    });
    await once(socket, 'open');
    return socket;
  }

  test('stays open when the configuration is replaced, and the old cache is released at once', async () => {
    const socket = await open();
    await gateway.replace(sendingTo(other.origin));
    // The gateway of the fixture, the new gateway, and the WebSocket, which must learn of the end of its token.
    await until(() => fixture.store.listeners.size === 3);
    socket.send('still there');
    expect(String((await once(socket, 'message'))[0])).toBe('still there');
    socket.close();
    await once(socket, 'close');
    await until(() => fixture.store.listeners.size === 2);
  });

  test('of a replaced gateway is closed when the gateway closes', async () => {
    const socket = await open();
    await gateway.replace(sendingTo(other.origin));
    const closed = once(socket, 'close');
    await gateway.close();
    await closed;
  });
});

describe('A failed replacement changes nothing:', () => {
  test.each([
    ['a key that cannot sign', () => ({ client: { id: 'gateway', privateKey: '{}' } }), 'client.privateKey must be'],
    [
      'an authorization server whose keys cannot be fetched',
      () => ({ authorizationServer: { ...config.authorizationServer, jwksUri: `${other.origin}/none` } }),
      'JWKS',
    ],
  ])('%s', async (_what, wrong, message) => {
    await expect(gateway.replace(gatewayConfigOf({ ...config, ...wrong() }))).rejects.toThrow(message);
    expect(await call('/split', await fixture.issueSplit(api('split')))).toEqual({ status: 200, body: 'ok' });
    expect(fixture.store.listeners.size).toBe(2);
    await gateway.replace(sendingTo(other.origin));
    expect((await call('/split', await fixture.issueSplit(api('split')))).body).toBe('other');
  });
});

test('a token that is revoked after the replacement is refused, although the old gateway had cached it', async () => {
  const token = await fixture.issueSplit(api('split'));
  expect((await call('/split', token)).status).toBe(200);
  await gateway.replace(sendingTo(other.origin));
  expect((await call('/split', token)).status).toBe(200);
  fixture.store.revoke(token);
  expect((await call('/split', token)).status).toBe(401);
});
