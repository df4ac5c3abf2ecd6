import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { openConnection, statusOf } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { makeCertificate } from '../testing/certificate.ts';
import type { GatewayInput } from '../testing/gateway_config.ts';
import { type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';
import { startCannedUpstream, startRawUpstream, startUpstream } from '../testing/servers.ts';
import { upstreamFailure } from './upstream_failure.ts';

let fixture: GatewayFixture | undefined;
afterEach(() => fixture?.stop());

async function startFixtureBefore(upstream: string, changes: Partial<GatewayInput> = {}): Promise<GatewayFixture> {
  fixture = await startGatewayFixture(() => ({
    routes: [{ prefix: '/', public: true, upstream }],
    timeouts: { authorizationServer: 1_000, upstream: 2_000 },
    ...changes,
  }));
  return fixture;
}

const headOf = (bytes: number) =>
  `HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Long: ${'x'.repeat(bytes - 60)}\r\nConnection: close\r\n\r\nok`;

async function stopped(): Promise<ListeningServer> {
  const server = await startUpstream();
  await server.stop();
  return server;
}

async function startTls(): Promise<ListeningServer> {
  const { cert, key } = await makeCertificate('localhost');
  return startForTest(listen(createTlsServer({ cert, key }, (socket) => socket.on('error', () => {})) as never));
}

const canned = (bytes: string) => startForTest(startCannedUpstream(bytes));
const overTls = async (server: Promise<ListeningServer>) => `https://127.0.0.1:${(await server).port}`;
const plain = async (server: Promise<ListeningServer>) => (await server).origin;

const unreachable = 'the API could not be reached';
const brokenOff = 'the API broke off the connection';
const incomprehensible = 'the API answered with something that cannot be passed on';

const failures: [name: string, start: () => Promise<string>, failure: string, reason: RegExp, description: string][] = [
  ['has an unknown name', async () => 'http://upstream.invalid', 'name_unknown', /name/, unreachable],
  ['refuses the connection', () => plain(stopped()), 'connection_refused', /refused/, unreachable],
  ['has a self-signed certificate', () => overTls(startTls()), 'certificate_untrusted', /not trusted/, unreachable],
  [
    'speaks no TLS',
    () => overTls(canned('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')),
    'tls_failed',
    /TLS handshake/,
    unreachable,
  ],
  [
    'closes the connection in the TLS handshake',
    () => overTls(startForTest(startRawUpstream((socket) => socket.once('data', () => socket.end())))),
    'tls_failed',
    /TLS handshake/,
    unreachable,
  ],
  [
    'resets the connection',
    () => plain(startForTest(startRawUpstream((socket) => socket.once('data', () => socket.resetAndDestroy())))),
    'connection_reset',
    /closed the connection/,
    brokenOff,
  ],
  ['closes without an answer', () => plain(canned('')), 'connection_reset', /closed the connection/, brokenOff],
  [
    'has too large a head',
    () => plain(canned(headOf(66_000))),
    'head_too_large',
    /limits\.maxResponseHeaderBytes/,
    incomprehensible,
  ],
  [
    'speaks something else',
    () => plain(canned('SSH-2.0-x\r\n\r\n')),
    'malformed_response',
    /not HTTP/,
    incomprehensible,
  ],
  [
    'has an unknown transfer coding',
    () => plain(canned('HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc')),
    'malformed_response',
    /not HTTP/,
    incomprehensible,
  ],
  [
    'switches protocols without a request for it',
    () => plain(canned('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')),
    'unexpected_upgrade',
    /protocol/,
    incomprehensible,
  ],
  [
    'sends Content-Length without a body and closes',
    () => plain(canned('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n')),
    'response_broken_off',
    /broke off its response/,
    brokenOff,
  ],
];

describe.each(failures)('An upstream that %s', (_name, start, failure, reason, description) => {
  test('gets 502 with a description for clients; log and metrics get the details', async () => {
    const { origin, log, metrics } = await startFixtureBefore(await start());
    const answer = await fetch(`${origin}/a`);
    expect([answer.status, await answer.json()]).toEqual([
      502,
      { error: 'bad_gateway', error_description: description },
    ]);
    expect(answer.headers.has('retry-after')).toBe(false);
    await until(() => log.some(({ message }) => message === 'request failed'));
    const line = log.find(({ message }) => message === 'request failed');
    expect(line).toMatchObject({ level: 'warn', failure, reason: expect.stringMatching(reason) });
    expect(await metrics()).toContain(`tallystick_gateway_upstream_failures_total{route="/",failure="${failure}"} 1`);
  });
});

test('A request to an upstream that does not answer gets 504, and the log says so', async () => {
  const { origin, log, metrics } = await startFixtureBefore((await startForTest(startUpstream(() => {}))).origin, {
    timeouts: { authorizationServer: 1_000, upstream: 50 },
  });
  const answer = await fetch(`${origin}/a`);
  expect([answer.status, await answer.json()]).toEqual([
    504,
    { error: 'gateway_timeout', error_description: 'the API did not answer in time' },
  ]);
  await until(() => log.some(({ message }) => message === 'request failed'));
  expect(log.find(({ message }) => message === 'request failed')).toMatchObject({ failure: 'response_timeout' });
  expect(await metrics()).toContain('failure="response_timeout"} 1');
});

test('The upstream of a WebSocket is described in the same words', async () => {
  const { port, log } = await startFixtureBefore((await canned(headOf(66_000))).origin);
  const client = await openConnection(port);
  client.socket.write(
    'GET /a HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  const answer = await client.closed();
  expect(statusOf(answer)).toBe(502);
  expect(answer).toContain(incomprehensible);
  expect(log.find(({ message }) => message === 'request failed')).toMatchObject({ failure: 'head_too_large' });
});

describe('Response headers', () => {
  test.each<[string, number, Partial<GatewayInput>, object, number]>([
    ['of 60 KB are passed on', 60_000, {}, {}, 200],
    ['of 70 KB are refused', 70_000, {}, {}, 502],
    ['of 3 KB are refused if the gateway allows 2', 3_000, { limits: { maxResponseHeaderBytes: 2_048 } }, {}, 502],
    [
      'of 200 KB are passed on if the route allows 256',
      200_000,
      {},
      { limits: { maxResponseHeaderBytes: 262_144 } },
      200,
    ],
    [
      'are limited by the route before the gateway',
      3_000,
      { limits: { maxResponseHeaderBytes: 2_048 } },
      { limits: { maxResponseHeaderBytes: 4_096 } },
      200,
    ],
  ])('%s', async (_, bytes, gateway, route, status) => {
    const upstream = await canned(headOf(bytes));
    const { port } = await startFixtureBefore('http://unused', {
      ...gateway,
      routes: [{ prefix: '/', public: true, upstream: upstream.origin, ...route }],
    });
    const client = await openConnection(port);
    client.socket.write('GET /a HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n');
    expect(statusOf(await client.closed())).toBe(status);
  });
});

describe('Errors of Node.js and OpenSSL', () => {
  test.each([
    ['EAI_AGAIN', 'name_unknown'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EMFILE', 'out_of_sockets'],
    ['EADDRNOTAVAIL', 'out_of_sockets'],
    ['CERT_HAS_EXPIRED', 'certificate_untrusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'certificate_untrusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_untrusted'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'certificate_untrusted'],
    ['INVALID_PURPOSE', 'certificate_untrusted'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_failed'],
    ['ERR_SSL_UNSUPPORTED_PROTOCOL', 'tls_failed'],
    ['HPE_INVALID_CONSTANT', 'malformed_response'],
    ['ESOMETHING', 'connection_failed'],
  ])('%s means %s: 502', (code, failure) => {
    expect(upstreamFailure(Object.assign(new Error('x'), { code }))).toMatchObject({ failure, status: 502 });
  });

  test('ETIMEDOUT means connect_timeout: 504', () => {
    const error = Object.assign(new Error('x'), { code: 'ETIMEDOUT' });
    expect(upstreamFailure(error)).toMatchObject({ failure: 'connect_timeout', status: 504 });
  });
});
