import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { selfSigned } from '@tallystick/testing/certificates';
import { freePort } from '@tallystick/testing/free_port';
import { listen } from '@tallystick/testing/listen';
import { startForTest } from '@tallystick/testing/on_test_finished';
import { health } from './health.ts';

let printed: string[];
beforeEach(() => {
  printed = [];
  for (const method of ['log', 'error'] as const)
    jest.spyOn(console, method).mockImplementation((text) => void printed.push(String(text)));
});
afterEach(() => void jest.restoreAllMocks());

const healthy: RequestListener = ({ url }, response) => response.writeHead(url === '/healthz' ? 200 : 404).end();
const serve = async (listener: RequestListener) => (await startForTest(listen(createServer(listener)))).port;

interface Ports {
  readonly authorizationServer?: number;
  readonly gateway?: number;
  readonly sampleApi?: number;
}

/** Runs the command with these ports. On the others, nothing listens. */
async function check(ports: Ports, more: object = {}): Promise<number> {
  const portOf = async (name: keyof Ports) => ({ port: ports[name] ?? (await freePort()) });
  const config = {
    host: '127.0.0.1',
    authorizationServer: await portOf('authorizationServer'),
    gateway: await portOf('gateway'),
    sampleApi: await portOf('sampleApi'),
    ...more,
  };
  return health({ kind: 'variable', text: JSON.stringify(config) });
}

test('the only role that runs is healthy', async () => {
  expect(await check({ gateway: await serve(healthy) })).toBe(0);
  expect(printed).toEqual(['healthy: gateway']);
});

test('all roles are healthy', async () => {
  const [authorizationServer, gateway, sampleApi] = [await serve(healthy), await serve(healthy), await serve(healthy)];
  expect(await check({ authorizationServer, gateway, sampleApi })).toBe(0);
  expect(printed).toEqual(['healthy: authorization server, gateway, sample API']);
});

test('nothing is healthy if nothing listens', async () => {
  expect(await check({})).toBe(1);
  expect(printed).toEqual([expect.stringMatching(/^no server answers at http:\/\/127\.0\.0\.1:\d+\/healthz, /)]);
});

test('one role that fails makes the container unhealthy', async () => {
  const gateway = await serve((_request, response) => response.writeHead(503).end());
  expect(await check({ authorizationServer: await serve(healthy), gateway })).toBe(1);
  expect(printed).toEqual([`the gateway answers 503 at http://127.0.0.1:${gateway}/healthz`]);
});

test('a server that closes the connection is not healthy', async () => {
  const { port } = await startForTest(listen(createTcpServer((socket) => socket.destroy())));
  expect(await check({ gateway: port })).toBe(1);
});

test('a server with TLS is asked over HTTPS, whatever its certificate', async () => {
  const { cert, key } = await selfSigned({ subject: 'CN=elsewhere.example', alternatives: [] });
  const { port } = await startForTest(listen(createTlsServer({ cert, key }, healthy)));
  const tls = { certificate: cert, key };
  expect(await check({ gateway: port }, { issuer: 'https://localhost:4000', tls })).toBe(0);
});

test('the gateway is asked at its port for operations', async () => {
  const gateway = { port: await freePort(), operations: { port: await serve(healthy), host: '0.0.0.0' } };
  expect(await check({}, { gateway })).toBe(0);
});

test.each(['0.0.0.0', '127.0.0.1', 'localhost'])('a server that listens on %s is reached', async (host) => {
  expect(await check({ gateway: await serve(healthy) }, { host })).toBe(0);
});

test('a role that could not start alone with this configuration can be asked', async () => {
  expect(await check({ gateway: await serve(healthy) }, { store: { url: 'redis://redis' } })).toBe(0);
});

test('ports that are chosen at the start are a usage error', async () => {
  await expect(check({ authorizationServer: 0, gateway: 0, sampleApi: 0 })).rejects.toThrow('every port is chosen');
});
