import { type ChannelListener, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { forwardingTo, startForwarding } from '../testing/forwarding_server.ts';
import { startCannedUpstream, startRawUpstream, startUpstream } from '../testing/servers.ts';

const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: api\r\n\r\n';
const chunked = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

describe('1. A request keeps its framing', () => {
  test.each(['DELETE', 'OPTIONS', 'GET', 'HEAD', 'POST', 'PATCH'])(
    'the chunked body of a %s arrives as its body, not as a second request',
    async (method) => {
      const upstream = await startForTest(startUpstream());
      const gateway = await startForTest(startForwarding(upstream.origin));
      const lines = [`${method} /a HTTP/1.1`, 'Host: gateway', 'Transfer-Encoding: chunked', 'Connection: close'];
      expect(statusOf(await send(gateway.port, message(lines, chunked(smuggled))))).toBe(200);
      expect(upstream.seen.map(({ url, body }) => ({ url, body }))).toEqual([{ url: '/a', body: smuggled }]);
    },
  );

  test.each(['transfer-encoding', 'content-length'])('also when Connection names %s', async (named) => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const framing = named === 'content-length' ? `Content-Length: ${smuggled.length}` : 'Transfer-Encoding: chunked';
    const body = named === 'content-length' ? smuggled : chunked(smuggled);
    await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', framing, `Connection: close, ${named}`], body));
    expect(upstream.seen.map(({ url, body }) => ({ url, body }))).toEqual([{ url: '/a', body: smuggled }]);
  });

  test.each(['gzip, chunked', ''])('refuses the transfer coding %j', async (coding) => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const lines = ['POST /a HTTP/1.1', 'Host: g', `Transfer-Encoding: ${coding}`, 'Connection: close'];
    // Node.js 24 and later refuse the empty one with 400.
    expect([400, 501]).toContain(statusOf(await send(gateway.port, message(lines, coding === '' ? '' : chunked('x')))));
    expect(upstream.seen).toEqual([]);
  });
});

describe('2. Headers for the gateway are removed, whatever the client sends', () => {
  test('the gateway answers Expect: 100-continue, and removes the client-held token', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    const lines = ['POST /a HTTP/1.1', 'Host: g', 'Authorization: Bearer client-held', 'Expect: 100-continue'];
    client.socket.write(message([...lines, 'Content-Length: 4', 'Connection: close']));
    await client.until(/^HTTP\/1\.1 100 Continue/);
    client.socket.write('body');
    expect(await client.closed()).toContain('HTTP/1.1 200 OK');
    expect(upstream.seen).toHaveLength(1);
    expect(upstream.seen[0]?.headers).toMatchObject({ authorization: 'Bearer internal-jwt' });
    expect(upstream.seen[0]?.headers).not.toHaveProperty('expect');
    expect(JSON.stringify(upstream.seen)).not.toContain('client-held');
  });

  test('a GET with a Trailer header is served', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const lines = ['GET /a HTTP/1.1', 'Host: g', 'Trailer: x-checksum', 'Connection: close'];
    expect(statusOf(await send(gateway.port, message(lines)))).toBe(200);
    expect(upstream.seen[0]?.headers).not.toHaveProperty('trailer');
  });

  test('hop-by-hop headers and connection options are removed, and the rest is passed on', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const hopByHop = [
      'Keep-Alive: timeout=5',
      'TE: trailers',
      'Proxy-Connection: keep-alive',
      'X-Hop: 1',
      'Upgrade: h3',
      'Proxy-Authorization: Basic eA==',
    ];
    const rest = ['Accept: text/x', 'Cookie: a=b', 'Content-Type: text/y'];
    const connection = ['Connection: X-Hop, authorization', 'Connection: close'];
    await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', ...hopByHop, ...rest, ...connection]));
    expect(upstream.seen[0]?.headers).toEqual({
      accept: 'text/x',
      cookie: 'a=b',
      'content-type': 'text/y',
      via: expect.stringMatching(/^1\.1 tallystick-/),
      authorization: 'Bearer internal-jwt',
      connection: 'keep-alive',
      host: new URL(upstream.origin).host,
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-host': 'g',
      'x-forwarded-proto': 'http',
    });
  });

  test('44 headers and a long one are passed on', async () => {
    const upstream = await startForTest(startUpstream());
    const gateway = await startForTest(startForwarding(upstream.origin));
    const many = Array.from({ length: 44 }, (_, index) => `X-Header-${index}: ${'v'.repeat(index)}`);
    await send(
      gateway.port,
      message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close', ...many, `Long: ${'l'.repeat(9000)}`]),
    );
    expect(upstream.seen[0]?.headers).toMatchObject({ 'x-header-43': 'v'.repeat(43), long: 'l'.repeat(9000) });
  });
});

describe('3. The path', () => {
  test.each(['/a//b', '/a/http:/b?c=http:/d//e', '/a/%2F%7e;x=1/?', '/a?x=//y#'.slice(0, -1), '/a/|{}^`"<>'])(
    '%s is forwarded byte for byte',
    async (target) => {
      const upstream = await startForTest(startUpstream());
      const gateway = await startForTest(startForwarding(upstream.origin));
      await send(gateway.port, message([`GET ${target} HTTP/1.1`, 'Host: g', 'Connection: close']));
      expect(upstream.seen.map(({ url }) => url)).toEqual([target]);
    },
  );
});

describe('4. When one side disconnects, the other does not wait', () => {
  test('when the client disconnects before the response ends, the upstream request is destroyed', async () => {
    const upstream = await startForTest(startUpstream(() => {}));
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['GET /a HTTP/1.1', 'Host: g']));
    await until(() => upstream.seen.length === 1);
    expect(await upstream.connections()).toBe(1);
    client.socket.destroy();
    await until(async () => (await upstream.connections()) === 0);
  });

  test('also when the response has begun', async () => {
    const upstream = await startForTest(startUpstream((_request, response) => response.write('begun')));
    const gateway = await startForTest(startForwarding(upstream.origin));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['GET /a HTTP/1.1', 'Host: g']));
    await client.until(/begun/);
    client.socket.destroy();
    await until(async () => (await upstream.connections()) === 0);
  });

  test.each([
    ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\npart'],
    ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'],
    ['in broken chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\nzz\r\n'],
  ])(
    'when the upstream disconnects in the middle of a body %s, the client does not get a complete response',
    async (_, bytes) => {
      const gateway = await forwardingTo(startCannedUpstream(bytes));
      const answer = await send(gateway.port, message(['GET /a HTTP/1.1', 'Host: g', 'Connection: close']));
      // The gateway refuses the request if no byte of the response was sent, and breaks it off otherwise.
      if (statusOf(answer) === 502) expect(JSON.parse(bodyOf(answer))).toMatchObject({ error: 'bad_gateway' });
      else expect(['', 'part', '4\r\npart\r\n']).toContain(bodyOf(answer));
    },
  );

  test('an HTTP/1.0 client gets a reset, because for it a closed connection ends the body', async () => {
    const gateway = await forwardingTo(
      startRawUpstream((socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n'));
        socket.on('data', () => {});
        breakOff = () => socket.destroy();
      }),
    );
    let breakOff = () => {};
    const client = await openConnection(gateway.port);
    const error = new Promise<NodeJS.ErrnoException>((resolve) => client.socket.once('error', resolve));
    client.socket.write('GET /a HTTP/1.0\r\n\r\n');
    await client.until(/part/);
    breakOff();
    expect((await error).code).toBe('ECONNRESET');
  });
});

test('A connection that serves many requests keeps no listeners of them', async () => {
  const upstream = await startForTest(startUpstream());
  const gateway = await startForTest(startForwarding(upstream.origin));
  const listeners: Record<string, number>[] = [];
  const count: ChannelListener = (message) => {
    const { socket, path } = (message as { request: ClientRequest }).request;
    if (path !== '/kept' || socket === null) return;
    listeners.push(Object.fromEntries(socket.eventNames().map((name) => [name, socket.listenerCount(name)])));
  };
  subscribe('http.client.response.finish', count);
  try {
    for (let made = 0; made < 20; made += 1) await (await fetch(`${gateway.origin}/kept`)).text();
    await until(() => listeners.length === 20);
  } finally {
    unsubscribe('http.client.response.finish', count);
  }
  expect(listeners.at(-1)).toEqual(listeners.at(1));
});
