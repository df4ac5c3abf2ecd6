import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { requirement } from '../requirements/index.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';

let world: Controlled;
let operationsPort: number;
/** An API that answers when it is told to. */
const api = createServer();
beforeAll(async () => {
  operationsPort = await freePort();
  await once(api.listen(0, '127.0.0.1'), 'listening');
  const upstream = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
  world = await startControlled((config) => ({
    ...config,
    authorizationServer: { ...config.authorizationServer, timeouts: { keepAlive: 61_000 } },
    sampleApi: { ...config.sampleApi, timeouts: { keepAlive: 62_000 } },
    controlApi: { ...config.controlApi, timeouts: { keepAlive: 63_000 } },
    gateway: {
      ...config.gateway,
      timeouts: { keepAlive: 64_000 },
      operations: { port: operationsPort, host: '127.0.0.1' },
      routes: [...config.gateway.routes, { prefix: '/slow', public: true, upstream }],
    },
  }));
});
afterAll(async () => {
  await world.stop();
  api.close();
});

const SERVERS: [string, string, () => string][] = [
  ['the authorization server', 'timeout=61', () => `${world.issuer}/jwks`],
  ['the sample API', 'timeout=62', () => `${world.sampleApi}/`],
  ['the control API', 'timeout=63', () => `${world.controlUrl}/openapi.json`],
  ['the gateway, for its own pages', 'timeout=64', () => `${world.gateways[0]}/.well-known/jwks.json`],
  ['the gateway, for an API without a token', 'timeout=64', () => `${world.gateways[0]}/split/hello`],
  ['the operations server', 'timeout=64', () => `http://127.0.0.1:${operationsPort}/healthz`],
];

describe(requirement('idle-connections-outlive-balancers'), () => {
  test.each(SERVERS)('%s: %s', async (_server, hint, url) => {
    const { headers } = await fetch(url());
    expect([headers.get('connection'), headers.get('keep-alive')]).toEqual(['keep-alive', hint]);
  });

  test('by default, longer than common load balancers do', async () => {
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
    const idle = await open(world.gateways[0], '/split/hello');
    const waiting = once(api, 'request');
    const busy = connect(Number(new URL(world.gateways[0]).port), '127.0.0.1');
    busy.write('GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [, response] = await waiting;
    const stopped = world.tallystick.stop();
    await idle.closed;
    response.end('late');
    expect(await textOf(busy)).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.+\r\n)*connection: close\r\n(?:.+\r\n)*\r\n/i);
    await stopped;
  });
});

/** A connection that has had an answer and is kept. */
async function open(origin: string, path: string) {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1');
  const closed = once(socket, 'close');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  await once(socket, 'data');
  socket.resume();
  return { closed };
}

async function textOf(socket: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}
