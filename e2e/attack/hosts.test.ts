import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rawRequest } from '@tallystick/testing/raw_client';
import type { Config, ConfigInput } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { type OneProcess, startOneProcess } from '../support/worlds/one_process.ts';

const demo = ({ allowedHosts: _, ...config }: Config) => ({
  ...config,
  controlApi: { ...config.controlApi, enabled: true },
});

/** Paths that each server answers with 200. */
const pages = {
  'authorization server': '/.well-known/openid-configuration',
  gateway: '/healthz',
  'sample API': '/healthz',
  'control API': '/openapi.json',
};
type Server = keyof typeof pages;
const servers = Object.keys(pages) as Server[];

let world: OneProcess;

function urlOf(server: Server): string {
  switch (server) {
    case 'authorization server':
      return world.issuer;
    case 'gateway':
      return world.gateways[0];
    case 'sample API':
      return world.sampleApi;
    case 'control API':
      return world.tallystick.controlUrl ?? '';
  }
}

const lines = (...of: string[]) => `${[...of, 'Connection: close'].join('\r\n')}\r\n\r\n`;
const ask = (server: Server, host: string, ...headers: string[]) =>
  rawRequest(urlOf(server), lines(`GET ${pages[server]} HTTP/1.1`, `Host: ${host}`, ...headers));

const own = ['localhost', 'LocalHost:4000', 'app.localhost', '127.0.0.1:4100', '127.9.9.9', '[::1]:4300'];
const foreign = [
  'evil.example',
  'evil.example:4000',
  'localhost.evil.example',
  'evil-localhost',
  '192.0.2.1',
  '0.0.0.0',
  '[::2]',
];

/** For each server: its hosts, foreign hosts, and hosts that the configuration lists. */
const cases = (names: Partial<Record<Server, readonly string[]>> = {}) =>
  servers.flatMap((server) => [
    ...[...own, ...(names[server] ?? [])].map((host) => [server, host, 200] as const),
    ...foreign.map((host) => [server, host, 421] as const),
  ]);

describe('On a loopback address, without a list', () => {
  beforeAll(async () => {
    world = await startOneProcess((config) => {
      const gateway = { ...config.gateway, publicUrl: 'https://gateway.example.com' };
      const [first, ...routes] = gateway.routes;
      return demo({
        ...config,
        gateway: { ...gateway, routes: first ? [{ ...first, host: '*.api.example.com' }, ...routes] : [] },
      });
    });
  });
  afterAll(() => world.stop());

  const names = { gateway: ['gateway.example.com', 'a.api.example.com'] };
  test.each(cases(names))(requirement('own-hosts-only', '%s, %s: %d'), async (server, host, status) => {
    expect((await ask(server, host)).status).toBe(status);
  });

  test.each(servers)(requirement('own-hosts-only', '%s says why'), async (server) => {
    const { head, body } = await ask(
      server,
      'evil.example',
      'X-Forwarded-Host: localhost',
      'Forwarded: host=localhost',
    );
    expect(head).toMatch(/^HTTP\/1\.1 421 Misdirected Request\r\n/);
    expect(JSON.parse(body)).toEqual({
      error: 'misdirected_request',
      error_description: expect.stringContaining('allowedHosts'),
    });
  });

  test(requirement('own-hosts-only', 'refuses a web page after DNS rebinding'), async () => {
    const registration = JSON.stringify({ redirect_uris: ['http://evil.example/'] });
    const length = `Content-Length: ${registration.length}`;
    const head = lines('POST /reg HTTP/1.1', 'Host: evil.example', 'Content-Type: application/json', length);
    expect((await rawRequest(world.issuer, head + registration)).status).toBe(421);
    const upgrade = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: eA==',
    ];
    const handshake = lines('GET /phantom/a HTTP/1.1', 'Host: evil.example', ...upgrade);
    expect((await rawRequest(world.gateways[0], handshake)).status).toBe(421);
    const preflight = ['Origin: http://evil.example', 'Access-Control-Request-Method: GET'];
    const options = lines('OPTIONS /phantom/a HTTP/1.1', 'Host: evil.example', ...preflight);
    expect((await rawRequest(world.gateways[0], options)).status).toBe(421);
  });
});

describe('With a list', () => {
  beforeAll(async () => {
    world = await startOneProcess((config) => ({
      ...demo(config),
      allowedHosts: ['listed.example', '*.below.example', '198.51.100.7'],
      controlApi: { enabled: true, allowedHosts: ['control.example'] },
    }));
  });
  afterAll(() => world.stop());

  const listed = ['listed.example', 'LISTED.example.:80', 'a.below.example', '198.51.100.7'];
  const names = {
    'authorization server': listed,
    gateway: listed,
    'sample API': listed,
    'control API': ['control.example'],
  };
  test.each(cases(names))(requirement('own-hosts-only', 'list, %s, %s: %d'), async (server, host, status) => {
    expect((await ask(server, host)).status).toBe(status);
  });

  test.each(listed)(requirement('own-hosts-only', 'the control API has a separate list: %s'), async (host) => {
    expect((await ask('control API', host)).status).toBe(421);
  });
});

describe('On every address', () => {
  const starting = (changes: Partial<ConfigInput>) => async () => {
    world = await startOneProcess((config) => ({ ...demo(config), host: '0.0.0.0', ...changes }));
  };

  describe('without a list, the names of the servers are unknown', () => {
    beforeAll(starting({}));
    afterAll(() => world.stop());

    test.each(servers)(requirement('own-hosts-only', 'every address, %s'), async (server) => {
      // The control API still refuses them, because it allows everything to its clients.
      expect((await ask(server, 'evil.example')).status).toBe(server === 'control API' ? 421 : 200);
    });
  });

  describe('with a list, even an empty one', () => {
    beforeAll(starting({ allowedHosts: [] }));
    afterAll(() => world.stop());

    test.each(cases())(
      requirement('own-hosts-only', 'every address, list, %s, %s: %d'),
      async (server, host, status) => {
        expect((await ask(server, host)).status).toBe(status);
      },
    );
  });
});

describe('Behind a proxy on this machine that the gateway trusts', () => {
  const starting = (changes: Partial<ConfigInput>) => async () => {
    world = await startOneProcess((config) => ({
      ...demo(config),
      ...changes,
      gateway: { ...config.gateway, trustedProxies: ['127.0.0.0/8', '::1'] },
    }));
  };

  describe('without a list, the proxy checks the names', () => {
    beforeAll(starting({}));
    afterAll(() => world.stop());

    test(requirement('own-hosts-only', 'trusted proxy'), async () => {
      expect((await ask('gateway', 'api.example.com', 'X-Forwarded-Host: api.example.com')).status).toBe(200);
      expect((await ask('authorization server', 'api.example.com')).status).toBe(421);
    });
  });

  describe('with a list', () => {
    beforeAll(starting({ allowedHosts: ['api.example.com'] }));
    afterAll(() => world.stop());

    test(requirement('own-hosts-only', 'trusted proxy, list'), async () => {
      expect((await ask('gateway', 'api.example.com')).status).toBe(200);
      expect((await ask('gateway', 'localhost', 'X-Forwarded-Host: another.example.com')).status).toBe(200);
      expect((await ask('gateway', 'another.example.com')).status).toBe(421);
    });
  });
});
