import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { openConnection } from '@tallystick/testing/raw_client';
import { until } from '@tallystick/testing/until';
import { parse, stringify } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { call } from '../support/clients/clients.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { type ManyProcesses, startManyProcesses } from '../support/worlds/many_processes.ts';
import { MAIN, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG } from '../support/worlds/world.ts';

const ROLES = ['authorization-server', 'gateway', 'sample-api'] as const;
type Role = (typeof ROLES)[number];

let world: ManyProcesses;
let folder: string;
let file: string;
beforeAll(async () => {
  world = await startManyProcesses();
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-signals-'));
  file = path.join(folder, 'tallystick.config.yaml');
});
afterAll(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

const commands: RunningCommand[] = [];
afterEach(async () => {
  for (const command of commands.splice(0)) {
    command.signal('SIGKILL');
    await command.exit;
  }
});

/** Writes the demo's configuration with some changes. */
async function configure(change: (config: Record<string, unknown>) => void = () => {}): Promise<void> {
  const config = parse(await readFile(DEMO_CONFIG, 'utf8'));
  change(config);
  await writeFile(file, stringify(config));
}

/** Starts one more process of a role in this world. */
async function start(role: Role, environment: Record<string, string> = {}) {
  await configure();
  const command = runCommand('node', [MAIN, role, '--config', file], {
    environment: {
      TALLYSTICK_HOST: '127.0.0.1',
      TALLYSTICK_ISSUER: world.issuer,
      TALLYSTICK_SECRET: `the secret of ${world.prefix}`,
      TALLYSTICK_STORE_URL: String(process.env.REDIS_URL),
      TALLYSTICK_STORE_PREFIX: world.prefix,
      TALLYSTICK_SAMPLE_API_URL: world.sampleApi,
      TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0',
      TALLYSTICK_GATEWAY_PORT: '0',
      TALLYSTICK_SAMPLE_API_PORT: '0',
      ...environment,
    },
  });
  commands.push(command);
  const port = () => /listening on port (\d+)/.exec(command.output())?.[1];
  await until(port);
  return { command, url: `http://127.0.0.1:${port()}` };
}

async function readinessOf(url: string): Promise<[number, unknown]> {
  const answer = await fetch(`${url}/readyz`);
  return [answer.status, await answer.json()];
}

describe.each(ROLES)('%s', (role) => {
  test.each(['SIGINT', 'SIGTERM'] as const)(requirement('signals', '%s stops it'), async (signal) => {
    const { command } = await start(role);
    command.signal(signal);
    expect(await command.exit).toBe(0);
    expect(command.output()).not.toMatch(/error|at file:/i);
  });

  test(requirement('drains-after-a-delay'), async () => {
    const { command, url } = await start(role, {
      // Long enough to last until the second signal, even on a busy machine.
      [`TALLYSTICK_${role.replaceAll('-', '_').toUpperCase()}_TIMEOUTS_DRAIN_DELAY`]: '600000',
    });
    expect(await readinessOf(url)).toEqual([200, { status: 'ready' }]);
    command.signal('SIGTERM');
    await until(() => command.output().includes('draining for 600000 ms'));
    expect(await readinessOf(url)).toEqual([503, { status: 'not ready', unready: ['draining'] }]);
    const served = await fetch(`${url}/nothing`);
    expect([served.status, served.headers.get('connection')]).toEqual([404, 'close']);
    command.signal('SIGTERM');
    expect(await command.exit).toBe(130);
  });

  test(requirement('drains-after-a-delay', 'a short delay ends by itself'), async () => {
    const { command } = await start(role, {
      [`TALLYSTICK_${role.replaceAll('-', '_').toUpperCase()}_TIMEOUTS_DRAIN_DELAY`]: '50',
    });
    command.signal('SIGTERM');
    expect(await command.exit).toBe(0);
    expect(command.output()).toContain('draining for 50 ms');
  });

  test(requirement('drains-after-a-delay', 'a request that has begun is served'), async () => {
    const { command, url } = await start(role, {
      [`TALLYSTICK_${role.replaceAll('-', '_').toUpperCase()}_TIMEOUTS_DRAIN_DELAY`]: '0',
    });
    const connection = await openConnection(url);
    await connection.write('GET /nothing HTTP/1.1\r\nHost: 127.0.0.1\r\n');
    command.signal('SIGTERM');
    await until(() =>
      fetch(url).then(
        () => false,
        () => true,
      ),
    );
    await connection.write('\r\n');
    expect(await command.exit).toBe(0);
    expect(await connection.closed()).toMatch(/^HTTP\/1\.1 404 .*\r\nconnection: close\r\n/is);
  });

  test(requirement('signals', 'SIGHUP with an invalid file changes nothing'), async () => {
    const { command, url } = await start(role);
    await configure((config) => (config.host = 'other.example'));
    await writeFile(file, 'apis: nonsense');
    command.signal('SIGHUP');
    await until(() => command.output().includes('keeping the current configuration'));
    expect(await readinessOf(url)).toEqual([200, { status: 'ready' }]);
  });
});

describe('SIGHUP', () => {
  test(
    requirement('signals', 'the authorization server loads changed clients and drops the tokens of removed ones'),
    async () => {
      const { command, url } = await start('authorization-server');
      const askAs = (client: string) =>
        fetch(`${url}/token`, {
          method: 'POST',
          headers: { Authorization: `Basic ${btoa(`${client}:${client}-secret`)}` },
          body: new URLSearchParams({
            grant_type: 'client_credentials',
            resource: 'https://api.example.com/split',
            scope: 'read',
          }),
        });
      expect([(await askAs('demo-service')).status, (await askAs('other-service')).status]).toEqual([200, 401]);
      const { access_token: token } = (await (await askAs('demo-service')).json()) as { access_token: string };
      world.log.secret(token);
      expect((await call(world.gateways[0], 'split', token)).status).toBe(200);
      await configure((config) => {
        const clients = config.clients as { id: string; secret?: string }[];
        for (const client of clients) {
          if (client.id === 'demo-service')
            Object.assign(client, { id: 'other-service', secret: 'other-service-secret' });
        }
      });
      command.signal('SIGHUP');
      await until(() => command.output().includes('configuration reloaded'));
      expect([(await askAs('demo-service')).status, (await askAs('other-service')).status]).toEqual([401, 200]);
      expect((await call(world.gateways[0], 'split', token)).status).toBe(401);
    },
  );

  test(requirement('signals', 'a value that is read only at the start is refused by name'), async () => {
    for (const role of ['authorization-server', 'sample-api'] as const) {
      const { command } = await start(role);
      await configure((config) => (config.features = { mutualTls: true }));
      command.signal('SIGHUP');
      await until(() => command.output().includes('keeping the current configuration'));
      expect(command.output()).toMatch(/features: cannot change while the (authorization server|sample API) runs/);
    }
  });

  test.each(ROLES)(requirement('signals', '%s logs at another level'), async (role) => {
    const { command, url } = await start(role);
    const refusals = () => command.output().match(/"request refused"/g)?.length ?? 0;
    await fetch(`${url}/before`);
    await until(() => refusals() === 1);
    await configure((config) => (config.log = { level: 'error' }));
    command.signal('SIGHUP');
    await until(() => command.output().includes('configuration reloaded'));
    await fetch(`${url}/silent`);
    await configure();
    command.signal('SIGHUP');
    await until(() => command.output().match(/configuration reloaded/g)?.length === 2);
    await fetch(`${url}/after`);
    await until(() => refusals() === 2);
  });

  test(requirement('signals', 'the sample API serves other APIs'), async () => {
    const { command, url } = await start('sample-api');
    expect((await fetch(`${url}/renamed/x`)).status).toBe(404);
    await configure((config) => {
      const { routes } = config.gateway as { routes: { prefix: string }[] };
      for (const route of routes) if (route.prefix === '/split') route.prefix = '/renamed';
    });
    command.signal('SIGHUP');
    await until(() => command.output().includes('configuration reloaded'));
    expect((await fetch(`${url}/renamed/x`)).status).toBe(401);
  });

  test(requirement('signals', 'everything in one process stops when its terminal is closed'), async () => {
    await configure();
    const ports = await freePorts();
    // `script` runs a command on a terminal of its own, which is closed when `script` ends.
    const start = `exec "${process.execPath}" "${MAIN}" start --config "${file}"`;
    const terminal = runCommand('script', ['-qec', start, '/dev/null'], { environment: ports });
    commands.push(terminal);
    await until(() => terminal.output().includes('Ctrl-C stops it.'));
    terminal.signal('SIGKILL');
    await until(() =>
      fetch(ports.TALLYSTICK_ISSUER).then(
        () => false,
        () => true,
      ),
    );
  });
});
