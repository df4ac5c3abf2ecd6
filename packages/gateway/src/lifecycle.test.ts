import { once } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { message, openConnection } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { WebSocket, WebSocketServer } from 'ws';
import { api, type GatewayFixture, route, startGatewayFixture } from './testing/gateway_fixture.ts';
import { startRawUpstream } from './testing/servers.ts';

async function startFixtureBefore(upstream: string, drain = 5_000): Promise<GatewayFixture> {
  const fixture = await startGatewayFixture(({ timeouts }) => ({
    routes: [route('split', upstream)],
    timeouts: { ...timeouts, drain },
  }));
  onTestFinished(() => fixture.stop());
  return fixture;
}

test('A request on a connection that the server has already accepted is served while the gateway closes', async () => {
  const fixture = await startGatewayFixture();
  onTestFinished(() => fixture.stop());
  const token = await fixture.issueReference(api('phantom'));
  const client = await openConnection(fixture.port);
  let noFurtherRequest = () => {};
  const closed = fixture.gateway.close(new Promise<void>((resolve) => (noFurtherRequest = resolve)));
  client.socket.write(message(['GET /phantom HTTP/1.1', 'Host: g', `Authorization: Bearer ${token}`]));
  expect(await client.closed()).toMatch(/^HTTP\/1\.1 200 .*\r\nconnection: close\r\n/is);
  noFurtherRequest();
  await closed;
  expect((await fixture.call('/phantom', token)).status).toBe(503);
});

describe('A WebSocket, when the gateway is closed', () => {
  test('is closed with 1001 on both sides', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const codes: number[] = [];
    server.on('connection', (socket) => {
      socket.on('message', (data) => socket.send(data));
      socket.on('close', (code) => codes.push(code));
    });
    const fixture = await startFixtureBefore(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    onTestFinished(() => server.close());
    const client = new WebSocket(`ws://127.0.0.1:${fixture.port}/split`, {
      headers: { Authorization: `Bearer ${await fixture.issueSplit(api('split'))}` },
    });
    await once(client, 'open');
    client.send('x'.repeat(70_000));
    await once(client, 'message');
    const closed = once(client, 'close');
    await fixture.gateway.close();
    expect((await closed)[0]).toBe(1001);
    await until(() => codes.length === 1);
    expect(codes).toEqual([1001]);
  });

  test('is closed between two frames of the API, not inside one', async () => {
    let apiSocket: Socket | undefined;
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
        socket.write(Buffer.of(0x81, 6, 0x61, 0x62, 0x63)); // Half of a text frame.
        apiSocket = socket;
      });
    });
    onTestFinished(upstream.stop);
    const fixture = await startFixtureBefore(upstream.origin);
    const client = await openConnection(fixture.port);
    client.socket.write(upgradeWith(await fixture.issueSplit(api('split'))));
    await client.until(/abc$/);
    const closing = fixture.gateway.close();
    apiSocket?.write('def');
    await client.until(/abcdef.{4}$/s);
    expect(client.text().endsWith(`abcdef${CLOSE_1001}`)).toBe(true);
    client.socket.end();
    await closing;
  });

  test('is broken off when the current frame takes too long', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n');
        socket.write(Buffer.of(0x81, 6, 0x61, 0x62, 0x63));
      });
    });
    onTestFinished(upstream.stop);
    const fixture = await startFixtureBefore(upstream.origin, 20);
    const client = await openConnection(fixture.port);
    client.socket.write(upgradeWith(await fixture.issueSplit(api('split'))));
    await client.until(/abc$/);
    await fixture.gateway.close();
    expect(await client.closed()).toMatch(/abc$/);
  });
});

/** A close frame of a server, as latin1. */
const CLOSE_1001 = Buffer.of(0x88, 2, 0x03, 0xe9).toString('latin1');

function upgradeWith(token: string): string {
  return message([
    'GET /split HTTP/1.1',
    'Host: g',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Authorization: Bearer ${token}`,
  ]);
}
