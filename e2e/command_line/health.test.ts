import { randomUUID } from 'node:crypto';
import { get } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { relayTo } from '@tallystick/testing/tcp_relay';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { startOneProcess } from '../support/worlds/one_process.ts';
import { MAIN, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG } from '../support/worlds/world.ts';

const PATHS = ['/healthz', '/readyz'] as const;
const HEALTHY = { '/healthz': [200, { status: 'ok' }], '/readyz': [200, { status: 'ready' }] } as const;

let commands: RunningCommand[] = [];
afterEach(async () => {
  for (const command of commands) {
    command.signal('SIGKILL');
    await command.exit;
  }
  commands = [];
});

/** Starts the authorization server and the control API. @returns their URLs */
async function startAuthorizationServer(environment: Record<string, string>) {
  const command = runCommand('node', [MAIN, 'authorization-server', '--config', DEMO_CONFIG], {
    environment: {
      TALLYSTICK_SECRET: randomUUID(),
      TALLYSTICK_STORE_PREFIX: `e2e:${randomUUID()}:`,
      TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0',
      TALLYSTICK_CONTROL_API_ENABLED: 'true',
      TALLYSTICK_CONTROL_API_PORT: '0',
      ...environment,
    },
  });
  commands.push(command);
  const portOf = (what: string) => new RegExp(`${what} on port (\\d+)`).exec(command.output())?.[1];
  await until(() => portOf('authorization-server listening'));
  const urls = ['authorization-server listening', 'control API'].map((what) => `http://127.0.0.1:${portOf(what)}`);
  return { command, urls };
}

async function stateAt(url: string, path: string): Promise<readonly [number, unknown]> {
  const response = await fetch(`${url}${path}`);
  return [response.status, await response.json()];
}

/** The answer at one of the addresses of localhost. `fetch` would choose the address. */
function answerAt(address: string, url: string): Promise<readonly [number | undefined, unknown]> {
  return new Promise((resolve, reject) => {
    const { port, pathname } = new URL(url);
    get({ host: address, port, path: pathname, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.once('end', () => resolve([response.statusCode, JSON.parse(text)]));
    }).once('error', reject);
  });
}

describe('every server', () => {
  test(requirement('health', 'in one form, at both addresses of localhost'), async () => {
    const world = await startOneProcess((config) => ({ ...config, controlApi: { enabled: true } }));
    const { issuer, gatewayUrl, sampleApiUrl, controlUrl } = world.tallystick;
    for (const url of [issuer, gatewayUrl, sampleApiUrl, String(controlUrl)]) {
      expect(new URL(url).hostname).toBe('localhost');
      for (const path of PATHS) {
        for (const address of ['127.0.0.1', '::1'])
          expect([url, await answerAt(address, url + path)]).toEqual([url, HEALTHY[path]]);
        const { status, headers } = await fetch(url + path, { method: 'HEAD' });
        expect([status, headers.get('content-type'), headers.get('cache-control')]).toEqual([
          200,
          'application/json',
          'no-store',
        ]);
        expect((await fetch(url + path, { method: 'POST' })).status).toBe(405);
      }
    }
    await world.stop();
  });
});

describe('an authorization server with a control API', () => {
  test(requirement('health', 'both report a store that is down, and still live'), async () => {
    const { hostname, port } = new URL(String(process.env.REDIS_URL));
    const relay = await relayTo({ host: hostname, port: Number(port) });
    const { urls } = await startAuthorizationServer({ TALLYSTICK_STORE_URL: `redis://127.0.0.1:${relay.port}` });
    for (const url of urls) expect(await stateAt(url, '/readyz')).toEqual(HEALTHY['/readyz']);
    await relay.cut();
    for (const url of urls) {
      await until(async () => (await stateAt(url, '/readyz'))[0] === 503);
      expect((await stateAt(url, '/readyz'))[1]).toMatchObject({ status: 'not ready', unready: ['token-store'] });
      expect(await stateAt(url, '/healthz')).toEqual(HEALTHY['/healthz']);
    }
    await relay.restore();
    for (const url of urls) await until(async () => (await stateAt(url, '/readyz'))[0] === 200);
    await relay.close();
  });

  test(requirement('health', 'both drain'), async () => {
    const { command, urls } = await startAuthorizationServer({
      TALLYSTICK_STORE_URL: String(process.env.REDIS_URL),
      // Long enough to last until the end of the test.
      TALLYSTICK_AUTHORIZATION_SERVER_TIMEOUTS_DRAIN_DELAY: '600000',
    });
    command.signal('SIGTERM');
    await until(() => command.output().includes('draining for 600000 ms'));
    for (const url of urls)
      expect(await stateAt(url, '/readyz')).toEqual([503, { status: 'not ready', unready: ['draining'] }]);
  });
});
