import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { message, openConnection, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { WebSocketServer } from 'ws';
import { createGatewayServer } from './server.ts';
import { type GatewayInput, gatewayConfigOf } from './testing/gateway_config.ts';
import { api, type GatewayFixture, route, startGatewayFixture } from './testing/gateway_fixture.ts';

/** Milliseconds. */
const CLIENT_TIMEOUT = 200;
const MEGABYTE = Buffer.alloc(1024 * 1024, 'x');

interface Slow {
  readonly fixture: GatewayFixture;
  readonly port: number;
}

async function start(
  change: (config: GatewayInput) => Partial<GatewayInput> = () => ({}),
  respond?: (response: ServerResponse) => void,
): Promise<Slow> {
  const fixture = await startGatewayFixture(
    (config) => ({ timeouts: { ...config.timeouts, client: CLIENT_TIMEOUT, upstream: 60_000 }, ...change(config) }),
    undefined,
    respond && ((_request, response) => respond(response)),
  );
  onTestFinished(() => fixture.stop());
  const server = await listen(
    createGatewayServer(fixture.gateway, gatewayConfigOf({ timeouts: { client: CLIENT_TIMEOUT, keepAlive: 50 } })),
  );
  onTestFinished(() => server.stop());
  return { fixture, port: server.port };
}

const get = (token: string, path = '/phantom') =>
  message([`GET ${path} HTTP/1.1`, 'Host: g', `Authorization: Bearer ${token}`]);

describe('A client that does not read', () => {
  test('of a long response is disconnected, and so is the API; the log says why', async () => {
    let responding: ServerResponse | undefined;
    const { fixture, port } = await start(undefined, (response) => {
      responding = response;
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(MEGABYTE));
      };
      response.on('drain', more);
      more();
    });
    const client = await openConnection(port);
    client.socket.pause();
    client.socket.write(get(await fixture.issueReference(api('phantom'))));
    await until(() => responding?.destroyed === true);
    await until(() => fixture.log.some(({ error }) => error === 'request_timeout'));
    client.socket.destroy();
  });

  test('of a WebSocket is disconnected; an idle WebSocket is not', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    onTestFinished(() => server.close());
    const closed: (string | undefined)[] = [];
    server.on('connection', (socket, request) => {
      socket.on('close', () => closed.push(request.url)).on('error', () => {});
      if (request.url === '/phantom/flood') for (let count = 0; count < 64; count += 1) socket.send(MEGABYTE);
    });
    const upstream = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
    const { fixture, port } = await start(() => ({ routes: [route('phantom', upstream)] }));
    const authorization = `Authorization: Bearer ${await fixture.issueReference(api('phantom'))}`;
    const connect = async (path: string) => {
      const client = await openConnection(port);
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
      const lines = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', key, authorization];
      client.socket.write(message([`GET ${path} HTTP/1.1`, 'Host: g', ...lines]));
      onTestFinished(() => client.socket.destroy());
      return client;
    };
    const silent = await connect('/phantom/silent');
    await silent.until(/101/);
    (await connect('/phantom/flood')).socket.pause();
    await until(() => closed.length > 0);
    await passing(2 * CLIENT_TIMEOUT);
    expect(closed).toEqual(['/phantom/flood']);
    expect(silent.socket.destroyed).toBe(false);
  });
});

describe('A client that has nothing to read', () => {
  test('because the API is slow, may wait as long as the API may take', async () => {
    let respond = () => {};
    const { fixture, port } = await start(undefined, (response) => {
      respond = () => response.end('late');
    });
    const client = await openConnection(port);
    client.socket.write(get(await fixture.issueReference(api('phantom'))));
    await until(() => fixture.upstream.seen.length === 1);
    await passing(3 * CLIENT_TIMEOUT);
    respond();
    expect(await client.until(/late$/)).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('and sends no request is disconnected after keepAliveTimeout', async () => {
    const { port } = await start();
    const client = await openConnection(port);
    client.socket.write(get('unknown'));
    expect(statusOf(await client.closed())).toBe(401);
  });
});

describe('A client that sends its body', () => {
  const head = (token: string) =>
    message(['POST /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${token}`, 'Content-Length: 1000000']);

  test('a byte at a time gets 408, and the API does not get a complete request', async () => {
    const { fixture, port } = await start();
    const client = await openConnection(port);
    client.socket.write(head(await fixture.issueReference(api('phantom'), { scope: 'write' })));
    await until(async () => (await fixture.upstream.connections()) === 1);
    const trickle = setInterval(() => client.socket.write('x'), 20);
    onTestFinished(() => clearInterval(trickle));
    expect(statusOf(await client.until(/request_timeout/))).toBe(408);
    expect(fixture.upstream.seen).toEqual([]);
  });

  test('slowly, but above the minimum, has no time limit', async () => {
    const { fixture, port } = await start();
    const client = await openConnection(port);
    client.socket.write(head(await fixture.issueReference(api('phantom'), { scope: 'write' })));
    await until(async () => (await fixture.upstream.connections()) === 1);
    let left = 1_000_000;
    const stream = setInterval(() => {
      const part = Math.min(left, 50_000);
      left -= part;
      client.socket.write('x'.repeat(part));
      if (left === 0) clearInterval(stream);
    }, CLIENT_TIMEOUT / 4);
    onTestFinished(() => clearInterval(stream));
    expect(statusOf(await client.until(/ok$/))).toBe(200);
  });
});

/** Waits, to show that nothing happens meanwhile. */
async function passing(milliseconds: number): Promise<void> {
  const begun = performance.now();
  await until(() => performance.now() - begun > milliseconds);
}
