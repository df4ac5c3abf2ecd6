import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { forwardingTo, startForwarding } from '../testing/forwarding_server.ts';
import { startCannedUpstream, startRawUpstream, startUpstream } from '../testing/servers.ts';

describe('6. When the upstream fails', () => {
  test('a refused connection gets 502', async () => {
    const upstream = await startUpstream();
    await upstream.stop();
    const gateway = await startForTest(startForwarding(upstream.origin));
    const answer = await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
    expect(statusOf(answer)).toBe(502);
    expect(JSON.parse(bodyOf(answer))).toEqual({
      error: 'bad_gateway',
      error_description: 'the API could not be reached',
    });
  });

  test('a refused connection gets 502 while the body arrives too, and the client connection serves the next request', async () => {
    const upstream = await startUpstream();
    await upstream.stop();
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    const half = 'x'.repeat(1024 * 1024);
    client.socket.write(message(['POST /a HTTP/1.1', 'Host: g', `Content-Length: ${2 * half.length}`], half));
    await client.until(/bad_gateway.*\}/);
    client.socket.write(`${half}${message(['GET /b HTTP/1.1', 'Host: g', 'Connection: close'])}`);
    expect((await client.closed()).match(/HTTP\/1\.1 502/g)).toHaveLength(2);
  });

  test.each([
    ['something that is not HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['nothing at all', ''],
    ['a 101 without a request for it', 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
    ['a 101 without a protocol', 'HTTP/1.1 101 X\r\n\r\n'],
    ['an impossible status', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n'],
    ['an unknown transfer coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc'],
    ['a length and chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n'],
    ['a head and no body', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n'],
  ])('%s gets 502', async (_, bytes) => {
    const gateway = await forwardingTo(startCannedUpstream(bytes));
    const answer = await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
    expect(statusOf(answer)).toBe(502);
    expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: 'bad_gateway' });
  });

  test('an idle timeout before the response gets 504, and the upstream connection is closed', async () => {
    const upstream = await startForTest(startUpstream(() => {}));
    const gateway = await startForTest(startForwarding(upstream.origin, 50));
    const answer = await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
    expect(statusOf(answer)).toBe(504);
    expect(JSON.parse(bodyOf(answer))).toEqual({
      error: 'gateway_timeout',
      error_description: 'the API did not answer in time',
    });
    await until(async () => (await upstream.connections()) === 0);
  });

  test('a client that stops in the middle of its body gets 408', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin, 50));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['POST /a HTTP/1.1', 'Host: g', 'Content-Length: 8', 'Connection: close'], 'half'));
    expect(statusOf(await client.closed())).toBe(408);
    expect(upstream.seen).toEqual([]);
  });

  test('a pause after the response has begun is not a failure', async () => {
    let finish = () => {};
    const upstream = await startForTest(
      startUpstream((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
        finish = () => response.end('data: late\n\n');
      }),
    );
    const gateway = await startForTest(startForwarding(upstream.origin, 2_000));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
    await client.until(/text\/event-stream.*\r\n\r\n/s);
    const begun = Date.now();
    await until(() => Date.now() - begun > 2_500);
    finish();
    expect(await client.closed()).toContain('data: late');
  });
});

describe('A connection that the upstream closes just when it is reused', () => {
  /** Answers the first request of the first connection, and closes it at the second. */
  const startHangingUp = () => {
    let connections = 0;
    return startRawUpstream((socket) => {
      connections += 1;
      const isFirst = connections === 1;
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        if (isFirst && requests === 2) socket.destroy();
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
  };

  test.each([
    ['GET', 200],
    ['OPTIONS', 200],
    ['PUT', 200],
    ['DELETE', 200],
    ['POST', 502],
    ['PATCH', 502],
  ])('does not fail a request that may be sent twice: %s gets %d', async (method, status) => {
    const gateway = await forwardingTo(startHangingUp());
    const one = message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']);
    expect(statusOf(await send(gateway.port, one))).toBe(200);
    const other = message([`${method} /a HTTP/1.1`, 'Host: g', 'Connection: close']);
    expect(statusOf(await send(gateway.port, other))).toBe(status);
  });
});

describe('A response', () => {
  test('loses the headers for the gateway, and keeps the rest, with all cookies', async () => {
    const gateway = await forwardingTo(
      startCannedUpstream(
        message(
          [
            'HTTP/1.1 201 Made\x01',
            'Connection: X-Hop, close',
            'X-Hop: 1',
            'Keep-Alive: timeout=1',
            'Trailer: x',
            'Upgrade: h2',
            'Set-Cookie: a=1',
            'Set-Cookie: b=2',
            'ETag: "e"',
            'Content-Length: 2',
          ],
          'ok',
        ),
      ),
    );
    const answer = await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
    const head = answer
      .slice(0, answer.indexOf('\r\n\r\n'))
      .split('\r\n')
      .filter((line) => !/^date:/i.test(line));
    expect(head).toEqual([
      'HTTP/1.1 201 Created',
      'connection: close',
      'set-cookie: a=1',
      'set-cookie: b=2',
      'etag: "e"',
      'content-length: 2',
    ]);
    expect(bodyOf(answer)).toBe('ok');
  });

  test.each([
    ['HEAD', 200, { 'content-length': '1234' }],
    ['GET', 204, {}],
    ['GET', 304, { etag: '"e"' }],
  ])('to %s with status %d has no body, and the connection is reused', async (method, status, headers) => {
    const upstream = await startForTest(
      startUpstream((_request, response) => response.writeHead(status, headers).end()),
    );
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    client.socket.write(message([`${method} /a HTTP/1.1`, 'Host: g']));
    await client.until(/\r\n\r\n/);
    client.socket.write(message([`${method} /b HTTP/1.1`, 'Host: g', 'Connection: close']));
    const answer = await client.closed();
    expect(answer.match(new RegExp(`HTTP/1\\.1 ${status} `, 'g'))).toHaveLength(2);
    for (const [name, value] of Object.entries(headers)) expect(answer).toContain(`${name}: ${value}`);
    expect(upstream.seen).toHaveLength(2);
    expect(await upstream.connections()).toBe(1);
  });

  test('in chunks reaches an HTTP/1.0 client unchunked', async () => {
    const upstream = await startForTest(
      startUpstream((_request, response) => response.write('one') && response.end('two')),
    );
    const gateway = await startForTest(startForwarding(upstream.origin));
    const answer = await send(gateway.port, 'GET /a HTTP/1.0\r\n\r\n');
    expect(bodyOf(answer)).toBe('onetwo');
    expect(answer).not.toMatch(/transfer-encoding/i);
  });

  test('of an event stream arrives event by event', async () => {
    let write: (text: string) => void = () => {};
    const upstream = await startForTest(
      startUpstream((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        write = (text) => response.write(text);
        response.flushHeaders();
      }),
    );
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['GET /a HTTP/1.1', 'Host: g']));
    await client.until(/event-stream/);
    for (const text of ['data: 1\n\n', 'data: 2\n\n']) {
      write(text);
      await client.until(new RegExp(text));
    }
  });
});
