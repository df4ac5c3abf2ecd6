import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { WebSocket, WebSocketServer } from 'ws';
import { forwardingTo, startForwarding } from '../testing/forwarding_server.ts';
import { startCannedUpstream, startRawUpstream, startUpstream } from '../testing/servers.ts';

const upgrade = message([
  'GET /socket HTTP/1.1',
  'Host: g',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Authorization: Bearer client-held',
]);

const accepted = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n';

describe('5. A WebSocket', () => {
  test('carries messages both ways, and the upstream gets the rewritten headers', async () => {
    const server = createServer();
    const headers: unknown[] = [];
    new WebSocketServer({ server }).on('connection', (socket, request) => {
      headers.push(request.headers);
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const gateway = await forwardingTo(listen(server));
    const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/socket`, {
      headers: { Authorization: 'Bearer client-held', 'X-User': 'root' },
    });
    await new Promise((resolve) => client.once('open', resolve));
    for (const text of ['one', 'x'.repeat(100_000)]) {
      const echoed = new Promise((resolve) => client.once('message', (data) => resolve(data.toString())));
      client.send(text);
      expect(await echoed).toBe(text);
    }
    expect(headers[0]).toMatchObject({ authorization: 'Bearer internal-jwt', upgrade: 'websocket' });
    expect(headers[0]).not.toHaveProperty('x-user');
    expect(JSON.stringify(headers)).not.toContain('client-held');
    const closed = new Promise((resolve) => client.once('close', (code) => resolve(code)));
    client.close(1000);
    expect(await closed).toBe(1000);
  });

  test('whose client disconnects during the handshake ends the upstream request', async () => {
    const upstreamSockets: Socket[] = [];
    const gateway = await forwardingTo(startRawUpstream((socket) => upstreamSockets.push(socket.resume())));
    const client = await openConnection(gateway.port);
    client.socket.write(upgrade);
    await until(() => (upstreamSockets[0]?.bytesRead ?? 0) > 0);
    client.socket.resetAndDestroy();
    await until(() => upstreamSockets[0]?.destroyed === true);
  });

  test.each(['destroy', 'resetAndDestroy', 'end'] as const)(
    'whose client does %s later closes the upstream connection',
    async (way) => {
      const upstreamSockets: Socket[] = [];
      const gateway = await forwardingTo(
        startRawUpstream((socket) => {
          upstreamSockets.push(socket);
          socket.once('data', () => socket.write(accepted));
        }),
      );
      const client = await openConnection(gateway.port);
      client.socket.write(upgrade);
      await client.until(/101 Switching/);
      client.socket[way]();
      await until(() => upstreamSockets[0]?.destroyed === true);
    },
  );

  test.each(['destroy', 'resetAndDestroy', 'end'] as const)(
    'whose upstream does %s closes the client connection, without HTTP in its bytes',
    async (way) => {
      const upstreamSockets: Socket[] = [];
      const gateway = await forwardingTo(
        startRawUpstream((socket) => {
          upstreamSockets.push(socket);
          socket.once('data', () => socket.write(`${accepted}bytes`));
        }),
      );
      const client = await openConnection(gateway.port);
      client.socket.write(upgrade);
      await client.until(/bytes/);
      upstreamSockets[0]?.[way]();
      expect(bodyOf(await client.closed())).toBe('bytes');
    },
  );

  test('that one side closes is closed for the other too, even if that one would stay half open', async () => {
    const upstreamSockets: Socket[] = [];
    const acceptAndStay = (socket: Socket) => {
      upstreamSockets.push(socket);
      socket.once('data', () => socket.write(accepted));
    };
    const gateway = await forwardingTo(startRawUpstream(acceptAndStay, true));
    const [leaver, stayer] = [await openConnection(gateway.port), await openConnection(gateway.port, true)];
    for (const client of [leaver, stayer]) {
      client.socket.write(upgrade);
      await client.until(/101 Switching/);
    }
    const [leftByClient, leaving] = upstreamSockets;
    leaver.socket.end();
    leaving?.end();
    // Writing to a closed connection causes a reset.
    await until(() => {
      leftByClient?.write('x');
      stayer.socket.write('x');
      return leftByClient?.destroyed === true && stayer.socket.destroyed;
    });
  });

  test.each([
    ['chunked', message(['HTTP/1.1 403 Forbidden', 'Transfer-Encoding: chunked', 'X-A: 1'], '5\r\nno no\r\n0\r\n\r\n')],
    ['with a length', message(['HTTP/1.1 403 Forbidden', 'Content-Length: 5', 'X-A: 1'], 'no no')],
  ])('that the upstream refuses ends with its response, %s', async (_, bytes) => {
    const gateway = await forwardingTo(startCannedUpstream(bytes));
    const answer = await send(gateway.port, upgrade);
    expect(statusOf(answer)).toBe(403);
    expect(answer).toContain('x-a: 1');
    expect(answer).toContain('connection: close');
    expect(/transfer-encoding: chunked/i.test(answer) ? bodyOf(answer).split('\r\n')[1] : bodyOf(answer)).toBe('no no');
  });

  test('gets 504 when the upstream does not answer in time', async () => {
    const gateway = await forwardingTo(
      startUpstream(() => {}),
      50,
    );
    const answer = await send(gateway.port, upgrade);
    expect(statusOf(answer)).toBe(504);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: 'gateway_timeout' });
  });

  test('gets 502 when the upstream cannot be reached', async () => {
    const upstream = await startUpstream();
    await upstream.stop();
    const gateway = await startForTest(startForwarding(upstream.origin));
    const answer = await send(gateway.port, upgrade);
    expect(statusOf(answer)).toBe(502);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: 'bad_gateway' });
  });

  test.each([
    ['something that is not HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['nothing', ''],
    ['a 101 without an upgrade', 'HTTP/1.1 101 X\r\n\r\n'],
    ['a 101 to another protocol', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nevil'],
    ['a 101 to several protocols', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n\r\n'],
  ])('gets 502 when the upstream answers %s', async (_, bytes) => {
    const gateway = await forwardingTo(startCannedUpstream(bytes));
    expect(statusOf(await send(gateway.port, upgrade))).toBe(502);
  });

  test('is refused with a body, because the upstream would not read it as a body', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const smuggled = message(['GET /smuggled HTTP/1.1', 'Host: g']);
    const lines = upgrade.trimEnd().split('\r\n');
    const answer = await send(gateway.port, message([...lines, `Content-Length: ${smuggled.length}`], smuggled));
    expect(statusOf(answer)).toBe(400);
    expect(upstream.seen).toEqual([]);
  });
});
