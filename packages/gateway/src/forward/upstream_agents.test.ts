import type { Socket } from 'node:net';
import { createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { bodyOf, message, openConnection, send, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { makeCertificate } from '../testing/certificate.ts';
import { forwardingTo, startForwarding } from '../testing/forwarding_server.ts';
import { startRawUpstream, startUpstream } from '../testing/servers.ts';

const get = (path = '/a', method = 'GET') => message([`${method} ${path} HTTP/1.1`, 'Host: g', 'Connection: close']);
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('A connection on which the upstream sends unexpected bytes', () => {
  test.each([
    ['a whole response', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'],
    ['an interim response', 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'],
    ['the beginning of a response', 'HTTP/1.1 200 OK\r\nX-Evil: '],
    ['an empty line', '\r\n'],
    ['one byte', 'H'],
    ['something that is not HTTP', '\0'],
  ])('is closed when idle after %s, and the next response comes over another', async (_, unasked) => {
    const sockets: Socket[] = [];
    const upstream = await startForTest(
      startRawUpstream((socket) => {
        sockets.push(socket);
        socket.on('data', () => socket.write(OK));
      }),
    );
    const gateway = await startForTest(startForwarding(upstream.origin));
    expect(bodyOf(await send(gateway.port, get()))).toBe('ok');
    sockets[0]?.write(unasked, 'latin1');
    await until(() => sockets[0]?.destroyed === true);
    const answer = await send(gateway.port, get());
    expect([bodyOf(answer), answer.includes('evil')]).toEqual(['ok', false]);
    expect(sockets).toHaveLength(2);
  });

  const bodies: [string, number, string][] = [
    ['HEAD', 200, 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'],
    ['GET', 204, 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['GET', 204, 'HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n'],
    ['GET', 304, 'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n'],
    ['GET', 200, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ];
  describe.each(bodies)('to %s, an unexpected body after a %d', (method, status, head) => {
    test.each(['in one packet', 'in two'])(
      '%s: the response does not contain them, and no other response does',
      async (packets) => {
        const sockets: Socket[] = [];
        const upstream = await startForTest(
          startRawUpstream((socket) => {
            sockets.push(socket);
            const isFirst = sockets.length === 1;
            socket.on('data', () => socket.write(isFirst ? head + (packets === 'in two' ? '' : 'evil') : OK));
          }),
        );
        const gateway = await startForTest(startForwarding(upstream.origin));
        const answer = await send(gateway.port, get('/a', method));
        expect([statusOf(answer), bodyOf(answer)]).toEqual([status, '']);
        if (packets === 'in two') sockets[0]?.write('evil');
        await until(() => sockets[0]?.destroyed === true);
        expect(bodyOf(await send(gateway.port, get()))).toBe('ok');
      },
    );
  });

  test('after a body with Content-Length: the response has that length', async () => {
    const gateway = await forwardingTo(
      startRawUpstream((socket) => socket.on('data', () => socket.write(`${OK}evil`))),
    );
    for (let turn = 0; turn < 3; turn += 1) expect(bodyOf(await send(gateway.port, get()))).toBe('ok');
  });
});

describe('An upstream that answers before it has read the body, and closes', () => {
  const BODY = 'x'.repeat(8 * 1024 * 1024);
  const early = (socket: Socket | TLSSocket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.pause();
      socket.write('HTTP/1.1 413 Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large');
      socket.destroySoon();
    });
  };

  async function answersOf(gateway: { port: number }): Promise<string[]> {
    const answers: string[] = [];
    // Reading the response races with writing the body, so the test runs several times.
    for (let round = 0; round < 10; round += 1) {
      const client = await openConnection(gateway.port);
      client.socket.write(message(['POST /a HTTP/1.1', 'Host: g', `Content-Length: ${BODY.length}`], BODY));
      answers.push((await client.until(/too large|bad_gateway/)).slice(0, 12));
      client.socket.destroy();
    }
    return answers;
  }

  test('has its response passed on, over HTTP', async () => {
    const gateway = await forwardingTo(startRawUpstream(early));
    expect(new Set(await answersOf(gateway))).toEqual(new Set(['HTTP/1.1 413']));
  });

  test('has its response passed on, over TLS', async () => {
    const certificate = await makeCertificate('localhost');
    const upstream = await startForTest(listen(createTlsServer({ ...certificate }, early)));
    const secureContext = createSecureContext({ ca: certificate.cert });
    const gateway = await startForTest(startForwarding(`https://localhost:${upstream.port}`, 5_000, { secureContext }));
    expect(new Set(await answersOf(gateway))).toEqual(new Set(['HTTP/1.1 413']));
  });

  test('a connection that is closed without a response gets 502', async () => {
    const gateway = await forwardingTo(startRawUpstream((socket) => socket.once('data', () => socket.destroy())));
    const client = await openConnection(gateway.port);
    client.socket.write(message(['POST /a HTTP/1.1', 'Host: g', `Content-Length: ${BODY.length}`], BODY));
    expect(statusOf(await client.until(/bad_gateway/))).toBe(502);
  });
});

test.each([
  ['serves the next request', 60_000, 1],
  ['of the maximum age is closed after its request', 0, 2],
])('A connection %s', async (_, upstreamConnection, connections) => {
  const ports = new Set<number | undefined>();
  const upstream = await startForTest(
    startUpstream((request, response) => {
      ports.add(request.socket.remotePort);
      response.end('ok');
    }),
  );
  const gateway = await startForTest(
    startForwarding(upstream.origin, 5_000, { timeouts: { client: 60_000, upstreamConnection } }),
  );
  for (let turn = 0; turn < 2; turn += 1) expect(bodyOf(await send(gateway.port, get()))).toBe('ok');
  expect(ports.size).toBe(connections);
});

test('A flood of interim responses is cut, and the response is passed on', async () => {
  const hint = 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n';
  const gateway = await forwardingTo(
    startRawUpstream((socket) => socket.once('data', () => socket.write(hint.repeat(5_000) + OK))),
  );
  const answer = await send(gateway.port, get());
  expect(answer.match(/HTTP\/1\.1 103/g)).toHaveLength(32);
  expect(answer).toMatch(/HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*\r\nok$/);
});
