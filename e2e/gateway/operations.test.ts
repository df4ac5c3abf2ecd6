import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { until } from '@tallystick/testing/until';
import { parse, stringify } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { call, serviceToken } from '../support/clients/clients.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { MAIN, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG } from '../support/worlds/world.ts';

let world: ManyProcesses;
beforeAll(async () => {
  world = await startManyProcesses();
});
afterAll(() => world.stop());

const gateways: RunningCommand[] = [];
afterEach(async () => {
  for (const gateway of gateways.splice(0)) {
    gateway.signal('SIGTERM');
    await gateway.exit;
  }
});

/** Starts one more gateway of this world, in its own process. */
async function startGateway(environment: Record<string, string> = {}, args: readonly string[] = []) {
  const command = runCommand(
    'node',
    [MAIN, 'gateway', ...(args.includes('--config') ? [] : ['--config', DEMO_CONFIG]), ...args],
    {
      environment: {
        TALLYSTICK_HOST: '127.0.0.1',
        TALLYSTICK_ISSUER: world.issuer,
        TALLYSTICK_SECRET: `the secret of ${world.prefix}`,
        TALLYSTICK_STORE_URL: String(process.env.REDIS_URL),
        TALLYSTICK_STORE_PREFIX: world.prefix,
        TALLYSTICK_GATEWAY_PORT: '0',
        TALLYSTICK_SAMPLE_API_URL: world.sampleApi,
        ...environment,
      },
    },
  );
  gateways.push(command);
  const portOf = (what: string) => new RegExp(`${what} (?:listening )?on port (\\d+)`).exec(command.output())?.[1];
  await until(async () => portOf('gateway') ?? (await hasEnded(command)));
  return {
    command,
    url: `http://127.0.0.1:${portOf('gateway')}`,
    operations: `http://127.0.0.1:${portOf('operations')}`,
  };
}

/** @throws {Error} when it has */
async function hasEnded(command: RunningCommand): Promise<undefined> {
  const ended = await Promise.race([command.exit.then(() => true), new Promise((resolve) => setImmediate(resolve))]);
  if (ended) throw new Error(command.output());
  return undefined;
}

const metricsOf = async (url: string) => (await fetch(`${url}/metrics`)).text();

/** The sum of a metric's values whose labels contain these. */
function sumOf(metrics: string, name: string, labels: Record<string, string> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const lines = metrics.split('\n').filter((line) => line.startsWith(`tallystick_gateway_${name}`));
  return lines
    .filter((line) => wanted.every((label) => line.includes(label)))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

describe('metrics', () => {
  test(requirement('metrics', 'decisions, sources of JWTs, and durations of dependencies'), async () => {
    const { url } = await startGateway();
    const tokens = { phantom: await serviceToken(world, 'phantom'), split: await serviceToken(world, 'split') };
    for (const style of ['phantom', 'split'] as const) {
      for (let calls = 0; calls < 3; calls += 1) expect((await call(url, style, tokens[style])).status).toBe(200);
    }
    await call(url, 'phantom', 'a'.repeat(43));
    await call(url, 'phantom', tokens.phantom, { method: 'POST' });
    await call(url, 'phantom');
    await fetch(`${url}/${'b'.repeat(40)}`);
    const metrics = await until(async () => {
      const text = await metricsOf(url);
      return sumOf(text, 'decisions_total') === 10 ? text : '';
    });
    const phantom = { route: '/phantom', style: 'phantom' };
    expect(sumOf(metrics, 'decisions_total', { ...phantom, outcome: 'forwarded', cache: 'miss' })).toBe(1);
    expect(sumOf(metrics, 'decisions_total', { ...phantom, outcome: 'forwarded', cache: 'hit' })).toBe(2);
    expect(sumOf(metrics, 'decisions_total', { ...phantom, outcome: 'insufficient_scope' })).toBe(1);
    expect(sumOf(metrics, 'decisions_total', { ...phantom, outcome: 'invalid_token' })).toBe(1);
    expect(sumOf(metrics, 'decisions_total', { ...phantom, outcome: 'missing_token' })).toBe(1);
    expect(sumOf(metrics, 'decisions_total', { route: '', outcome: 'not_found' })).toBe(1);
    expect(sumOf(metrics, 'introspection_seconds_count', { outcome: 'active' })).toBe(1);
    expect(sumOf(metrics, 'introspection_seconds_count', { outcome: 'inactive' })).toBe(1);
    expect(sumOf(metrics, 'upstream_seconds_count')).toBe(6);
    expect(sumOf(metrics, 'upstream_up')).toBe(4);
    expect(sumOf(metrics, 'cache_entries')).toBe(2);
    expect(sumOf(metrics, 'cache_bytes')).toBeGreaterThan(500);
    expect(sumOf(metrics, 'cache_inactive_entries')).toBe(1);
    expect(sumOf(metrics, 'introspections', { state: 'running' })).toBe(0);
    expect(sumOf(metrics, 'circuit_open')).toBe(0);
    expect(sumOf(metrics, 'revocation_feed_up')).toBe(1);
    expect(sumOf(metrics, 'revocation_feed_lag_seconds')).toBeGreaterThan(0);
    for (const secret of [...Object.values(tokens), 'a'.repeat(43), 'b'.repeat(40)])
      expect(metrics).not.toContain(secret);
  });

  test(requirement('metrics', 'on a separate port'), async () => {
    const { url, operations } = await startGateway({ TALLYSTICK_GATEWAY_OPERATIONS_PORT: '0' });
    for (const page of ['healthz', 'readyz', 'metrics']) {
      expect([page, (await fetch(`${operations}/${page}`)).status]).toEqual([page, 200]);
      expect([page, (await fetch(`${url}/${page}`)).status]).toEqual([page, 404]);
    }
    expect((await fetch(`${operations}/phantom/hello`)).status).toBe(404);
  });

  test(requirement('metrics', 'show an outage of the revocation feed'), async () => {
    const { url } = await startGateway({ TALLYSTICK_STORE_URL: `redis://127.0.0.1:${world.redisRelay.port}` });
    await until(async () => sumOf(await metricsOf(url), 'revocation_feed_up') === 1);
    await world.redisRelay.cut();
    try {
      await until(async () => sumOf(await metricsOf(url), 'revocation_feed_up') === 0);
      const ready = await fetch(`${url}/readyz`);
      expect([ready.status, await ready.json()]).toEqual([
        503,
        {
          status: 'not ready',
          unready: ['token-store'],
          reasons: { 'token-store': expect.stringMatching(/connection|nothing listens on its port/) },
        },
      ]);
    } finally {
      await world.redisRelay.restore();
    }
    await until(async () => sumOf(await metricsOf(url), 'revocation_feed_up') === 1);
  });
});

describe('SIGHUP', () => {
  test(requirement('reload'), async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-reload-'));
    const file = path.join(folder, 'tallystick.config.yaml');
    const config = parse(await readFile(DEMO_CONFIG, 'utf8'));
    await writeFile(file, stringify(config));
    const { url, command } = await startGateway({}, ['--config', file]);
    const token = await serviceToken(world, 'phantom');
    const statuses: number[] = [];
    let isOver = false;
    const splitToken = await serviceToken(world, 'split');
    const load = (async () => {
      while (!isOver) statuses.push((await call(url, 'split', splitToken)).status);
    })();
    expect((await call(url, 'phantom', token)).status).toBe(200);

    const phantom = config.gateway.routes.find(({ prefix }: { prefix: string }) => prefix === '/phantom');
    phantom.scopes = { '*': ['write'] };
    await writeFile(file, stringify(config));
    command.signal('SIGHUP');
    await until(() => command.output().includes('configuration reloaded'));
    expect((await call(url, 'phantom', token)).status).toBe(403);

    phantom.api = 'https://api.example.com/none';
    await writeFile(file, stringify(config));
    command.signal('SIGHUP');
    await until(() => command.output().includes('keeping the current configuration'));
    expect(command.output()).toContain('gateway.routes[2].api: expected the resource of one of the apis');
    expect((await call(url, 'phantom', token)).status).toBe(403);

    isOver = true;
    await load;
    expect(statuses.length).toBeGreaterThan(5);
    expect(new Set(statuses)).toEqual(new Set([200]));
    await rm(folder, { recursive: true });
  });
});

describe('several workers', () => {
  test(requirement('workers'), async () => {
    const { url, command } = await startGateway({}, ['--workers', '2']);
    const token = await serviceToken(world, 'split');
    const close = { Connection: 'close' };
    for (let calls = 0; calls < 20; calls += 1) {
      expect((await call(url, 'split', token, { headers: close })).status).toBe(200);
    }
    await until(async () => sumOf(await metricsOf(url), 'decisions_total', { outcome: 'forwarded' }) === 20);
    await until(() => command.output().split('gateway listening').length === 3);
    await until(async () => sumOf(await metricsOf(url), 'revocation_feed_up') === 1);
    command.signal('SIGHUP');
    await until(() => command.output().split('configuration reloaded').length === 3);
    command.signal('SIGTERM');
    expect(await command.exit).toBe(0);
  });

  test.each([
    [['--workers', '0'], /--workers: expected 1 to 99; found "0"/],
    [['--workers', 'many'], /--workers: expected 1 to 99; found "many"/],
  ])(requirement('workers', '%j'), async (args, message) => {
    const command = runCommand('node', [MAIN, 'gateway', ...args]);
    expect(await command.exit).toBe(2);
    expect(command.output()).toMatch(message);
  });

  test(requirement('workers', 'workers need a shared store'), async () => {
    const command = runCommand('node', [MAIN, 'gateway', '--workers', '2', '--config', DEMO_CONFIG]);
    expect(await command.exit).toBe(1);
    expect(command.output()).toContain('store.url: expected a Redis, because several workers must share the store');
  });

  test(requirement('workers', 'workers must share the memory of DPoP proofs'), async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-workers-'));
    const config = parse(await readFile(DEMO_CONFIG, 'utf8'));
    config.gateway.dpop = { replay: 'memory' };
    config.store = { url: String(process.env.REDIS_URL) };
    config.secret = 's'.repeat(32);
    const file = path.join(folder, 'tallystick.yaml');
    await writeFile(file, stringify(config));
    const command = runCommand('node', [MAIN, 'gateway', '--workers', '2', '--config', file]);
    expect(await command.exit).toBe(1);
    expect(command.output()).toContain('gateway.dpop.replay: expected "store", because several workers must share it');
    await rm(folder, { recursive: true });
  });
});

describe('SIGTERM', () => {
  test(requirement('drains'), async () => {
    const waiting: ServerResponse[] = [];
    const slow = await serve((_request, response) => void waiting.push(response));
    const { url, command } = await startGateway({ TALLYSTICK_SAMPLE_API_URL: slow.origin });
    const token = await serviceToken(world, 'split');
    const response = call(url, 'split', token);
    await until(() => waiting.length === 1);
    command.signal('SIGTERM');
    await until(() =>
      fetch(`${url}/healthz`).then(
        () => false,
        () => true,
      ),
    );
    waiting[0]?.end('at last');
    expect(await (await response).text()).toBe('at last');
    expect(await command.exit).toBe(0);
  });
});
