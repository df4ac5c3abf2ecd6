import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { type ListeningServer, listen } from '@tallystick/testing/listen';
import { message, openConnection } from '@tallystick/testing/raw_client';
import { requirement } from '../requirements/index.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
let operationsPort: number;
/** The server of an API that answers only when a test makes it answer. */
const server = createServer();
let api: ListeningServer;
beforeAll(async () => {
  operationsPort = await freePort();
  api = await listen(server);
  world = await startControlled((config) => ({
    ...config,
    authorizationServer: { ...config.authorizationServer, timeouts: { keepAlive: 61_000 } },
    sampleApi: { ...config.sampleApi, timeouts: { keepAlive: 62_000 } },
    controlApi: { ...config.controlApi, timeouts: { keepAlive: 63_000 } },
    gateway: {
      ...config.gateway,
      timeouts: { keepAlive: 64_000 },
      operations: { port: operationsPort, host: '127.0.0.1' },
      routes: [...config.gateway.routes, { prefix: '/slow', public: true, upstream: api.origin }],
    },
  }));
});
afterAll(async () => {
  await world?.stop();
  await api?.stop();
});

const SERVERS: [string, string, () => string][] = [
  ['the authorization server', 'timeout=61', () => `${world.issuer}/jwks`],
  ['the sample API', 'timeout=62', () => `${world.sampleApi}/`],
  ['the control API', 'timeout=63', () => `${world.controlUrl}/openapi.json`],
  ['the gateway, for its own documents', 'timeout=64', () => `${world.gateways[0]}/.well-known/jwks.json`],
  ['the gateway, for an API without a token', 'timeout=64', () => `${world.gateways[0]}/split/hello`],
  ['the operations server', 'timeout=64', () => `http://127.0.0.1:${operationsPort}/healthz`],
];

describe(requirement('idle-connections-outlive-balancers'), () => {
  test.each(SERVERS)('%s: %s', async (_server, hint, url) => {
    const { headers } = await fetch(url());
    expect([headers.get('connection'), headers.get('keep-alive')]).toEqual(['keep-alive', hint]);
  });

  test('the default is longer than the idle timeout of common load balancers', async () => {
    const plain = await startControlled();
    try {
      for (const url of [`${plain.issuer}/jwks`, `${plain.sampleApi}/`, `${plain.gateways[0]}/split/x`]) {
        expect((await fetch(url)).headers.get('keep-alive')).toBe('timeout=620');
      }
    } finally {
      await plain.stop();
    }
  });

  test('a response during shutdown closes its connection, and shutdown waits for no idle connection', async () => {
    const [gateway] = world.gateways;
    const idle = await openConnection(gateway);
    await idle.write(message(['GET /split/hello HTTP/1.1', 'Host: localhost']));
    await idle.until(/\r\n\r\n/);
    const waiting = once(server, 'request');
    const busy = await openConnection(gateway);
    await busy.write(message(['GET /slow HTTP/1.1', 'Host: localhost']));
    const [, response] = await waiting;
    const stopped = world.tallystick.stop();
    await idle.closed();
    response.end('late');
    expect(await busy.closed()).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*connection: close\r\n(?:.+\r\n)*\r\n/i);
    await stopped;
  });
});
