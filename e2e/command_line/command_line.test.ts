import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { loadConfig } from 'tallystick';
import { requirement } from '../requirements/index.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { MAIN, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';
import { DEMO_CONFIG } from '../support/worlds/world.ts';

let folder: string;
let running: RunningCommand[];
beforeEach(async () => {
  running = [];
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
});
afterEach(async () => {
  for (const command of running) command.signal('SIGKILL');
  await Promise.all(running.map((command) => command.exit));
  await rm(folder, { recursive: true });
});

function tallystick(args: readonly string[], environment: Record<string, string> = {}): RunningCommand {
  const command = runCommand(process.execPath, [MAIN, ...args], { cwd: folder, environment });
  running.push(command);
  return command;
}

test(requirement('start-banner'), async () => {
  const ports = await freePorts();
  const start = tallystick([], ports); // In an empty folder: the demo.
  await until(() => start.output().includes('Ctrl-C stops it.'));
  const banner = start.output();
  for (const expected of [
    'There is no tallystick.config.yaml in this folder, so this is the built-in demo.',
    ports.TALLYSTICK_ISSUER,
    `http://localhost:${ports.TALLYSTICK_GATEWAY_PORT}`,
    'demo-service / demo-service-secret',
    'demo-web',
    'alice',
    'bob',
  ]) {
    expect(banner).toContain(expected);
  }
  expect(banner).toMatch(/ready in \d+ ms/);

  const [, init = ''] = /^ {2}(.* init)$/m.exec(banner) ?? [];
  const written = runCommand('bash', ['-c', init], { cwd: folder });
  expect([await written.exit, written.output()]).toEqual([0, expect.stringContaining('is written')]);
  await loadConfig(path.join(folder, 'tallystick.config.yaml'));

  const pasted = paste(banner, 5);
  expect(await pasted.exit).toBe(0);
  expect(pasted.output()).toContain('"style":"split"');
  expect(statusesIn(pasted.output())).toEqual(['401', '401']);
});

test.each(['jwt', 'opaque', 'phantom', 'split'])(
  requirement(
    'start-banner',
    'for a configuration of one API in the style %s, with a secret that a shell would change',
  ),
  async (style) => {
    const ports = await freePorts();
    const config = {
      apis: [{ resource: 'https://orders.example', accessTokens: style, scopes: ['read'] }],
      clients: [{ id: 'my service', secret: "it's $HOME: 100%", grants: ['client_credentials'] }],
    };
    const start = tallystick(['start'], { ...ports, TALLYSTICK_CONFIG: JSON.stringify(config) });
    await until(() => start.output().includes('Ctrl-C stops it.'));
    expect(start.output()).toContain('TALLYSTICK_CONFIG');
    expect(start.output()).not.toContain('tallystick-gateway');
    const pasted = paste(start.output(), style === 'jwt' ? 3 : 5);
    expect(await pasted.exit).toBe(0);
    expect(pasted.output()).toContain(`"style":"${style}"`);
    expect(statusesIn(pasted.output())).toEqual(style === 'jwt' ? ['401'] : ['401', '401']);
  },
);

/** Pastes the commands of a banner into a shell, all at once. @param count how many there are */
function paste(banner: string, count: number): RunningCommand {
  const commands = banner.split('\n').filter((line) => /^ {2}(curl|TOKEN=)/.test(line));
  expect(commands).toHaveLength(count);
  return runCommand('bash', ['-c', commands.join('\n')]);
}

const statusesIn = (output: string) => [...output.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);

test.each(['SIGINT', 'SIGTERM'] as const)(requirement('stops-cleanly', '%s'), async (signal) => {
  const ports = await freePorts();
  const start = tallystick(['start', '--config', DEMO_CONFIG], ports);
  await until(() => start.output().includes('Ctrl-C stops it.'));
  start.signal(signal);
  expect(await start.exit).toBe(0);
  expect(start.output()).not.toMatch(/error|at file:/i);
  await expect(fetch(String(ports.TALLYSTICK_ISSUER))).rejects.toThrow();
});

test(requirement('demo-walks'), async () => {
  const demo = tallystick(['demo', '--config', DEMO_CONFIG]);
  expect(await demo.exit).toBe(0);
  const output = demo.output();
  for (const style of ['jwt', 'opaque', 'phantom', 'split']) expect(output).toMatch(new RegExp(`^${style} {2}`, 'm'));
  expect(output.match(/^ +client holds/gm)).toHaveLength(4);
  expect(output.match(/^ +store holds/gm)).toHaveLength(4);
  expect(output.match(/^ +gateway {2,}/gm)).toHaveLength(4);
  expect(output.match(/^ +API gets/gm)).toHaveLength(4);
  expect(output.match(/the next call through the gateway is 401/g)).toHaveLength(3);
  expect(output).toContain('ssn=078-05-1120');
  const styles = Object.fromEntries(
    output.split(/^(?=(?:jwt|opaque|phantom|split) {2})/m).map((part) => [part.split(' ')[0], part]),
  );
  expect(styles.split).toMatch(/encrypted under the token: unreadable without it/);
  for (const style of ['jwt', 'opaque', 'split']) expect(styles[style]).toMatch(/the API can call as its caller/);
  expect(styles.phantom).toMatch(/the API cannot call as its caller/);
});

test(requirement('demo-walks', 'the output names the readers of unsealed entries'), async () => {
  const demo = tallystick(['demo', '--config', DEMO_CONFIG], { TALLYSTICK_STORE_SEAL: 'false' });
  expect(await demo.exit).toBe(0);
  expect(demo.output()).toContain(
    'anyone who can read the store can read the claims, but cannot call an API without the token',
  );
  expect(demo.output()).not.toContain('encrypted under the token: unreadable');
});

test(requirement('demo-walks', 'ends without an error when the reader of its output closes the pipe'), async () => {
  const script = `set -o pipefail; "${process.execPath}" "${MAIN}" demo --config "${DEMO_CONFIG}" | head -1`;
  const demo = runCommand('bash', ['-c', script]);
  expect(await demo.exit).toBe(0);
  expect(demo.output()).not.toContain('EPIPE');
});

describe('a wrong configuration', () => {
  test.each([
    [
      'a style that is none',
      'accessTokens: phantom',
      'accessTokens: phantm',
      'apis[2].accessTokens: expected one of "jwt"|"opaque"|"phantom"|"split"; found "phantm"',
    ],
    ['a port that is none', 'port: 4100', 'port: lots', 'gateway.port: expected number; found "lots"'],
    [
      'a name that is unknown',
      'introspects: true',
      'introspect: true',
      'clients[5].introspect: expected one of the names id, secret',
    ],
    [
      'a route to no API',
      'api: https://api.example.com/jwt',
      'api: https://api.example.com/none',
      'gateway.routes[0].api: expected the resource of one of the apis; found "https://api.example.com/none"',
    ],
    [
      'a trailing slash',
      'issuer: http://localhost:4000',
      'issuer: http://localhost:4000/',
      'issuer: expected scheme and authority',
    ],
    [
      'client metadata that cannot be',
      'backchannel_token_delivery_mode: poll',
      'backchannel_token_delivery_mode: ping',
      'clients[4].metadata: backchannel_client_notification_endpoint is mandatory property',
    ],
    ['no YAML', 'apis:', 'apis: [', 'line'],
  ])(requirement('config-explains', '%s'), async (_what, right, wrong, explanation) => {
    const { readFile } = await import('node:fs/promises');
    const file = path.join(folder, 'tallystick.config.yaml');
    await writeFile(file, (await readFile(DEMO_CONFIG, 'utf8')).replace(right, wrong));
    for (const command of [['config', 'validate'], ['start']]) {
      // Tallystick may already run on this machine, so the default ports may be taken.
      const ports = { TALLYSTICK_AUTHORIZATION_SERVER_PORT: '0', TALLYSTICK_SAMPLE_API_PORT: '0' };
      const run = tallystick(command, ports);
      expect(await run.exit).toBe(1);
      expect(run.output()).toContain(explanation);
      expect(run.output()).not.toContain('at file:');
    }
  });

  test(requirement('config-explains', 'an invalid environment variable'), async () => {
    const run = tallystick(['config', 'validate', '--config', DEMO_CONFIG], { TALLYSTICK_STORE_URL: 'mongodb://x' });
    expect(await run.exit).toBe(1);
    expect(run.output()).toContain(
      'store.url: expected memory:, redis://, rediss://, redis+cluster:// or redis+sentinel://',
    );
  });

  test(requirement('config-explains', 'a missing file'), async () => {
    const run = tallystick(['start', '--config', 'absent.yaml']);
    expect(await run.exit).toBe(1);
    expect(run.output()).toContain('absent.yaml cannot be used:\n  the file cannot be read: ENOENT');
  });
});

test('the configuration file is valid, and its schema is a JSON Schema that describes every value', async () => {
  const validate = tallystick(['config', 'validate', '--config', DEMO_CONFIG]);
  expect(await validate.exit).toBe(0);
  expect(validate.output()).toContain('is valid: 4 APIs, 7 clients, 2 users');
  const schema = tallystick(['config', 'schema']);
  expect(await schema.exit).toBe(0);
  const { properties } = JSON.parse(schema.output());
  expect(Object.keys(properties)).toEqual(
    expect.arrayContaining(['issuer', 'store', 'gateway', 'apis', 'clients', 'users']),
  );
});

describe('usage', () => {
  test.each([
    [['--help'], 0, /^ {2}start {2,}everything/m],
    [['help'], 0, /^ {2}start {2,}everything/m],
    [['help', 'gateway'], 0, /^Usage: tallystick gateway .*--workers <n>.*^Examples:$/ms],
    [['gateway', '--help'], 0, /^Usage: tallystick gateway .*--workers <n>.*^Examples:$/ms],
    [['start', '-h'], 0, /^Usage: tallystick start .*^Examples:\n {2}tallystick start$/ms],
    [['init', '--help'], 0, /^Usage: tallystick init .*--style <style>.*--force/ms],
    [['init', '--client', 'app'], 2, /--client: expected one of spa, .*; found "app" \(see tallystick init --help\)/],
    [['config'], 0, /^Usage: tallystick config <command>\n\n {2}config validate \[file\]/],
    [['config', 'validate', '--help'], 0, /^Usage: tallystick config validate \[file\].*--json/ms],
    [['--version'], 0, /^0\.1\.0\n$/],
    [['version'], 0, /^0\.1\.0\n$/],
    [['version', '--json'], 0, /^\{"version":"0\.1\.0","node":"v[\d.]+"\}\n$/],
    [['config', 'validate', DEMO_CONFIG], 0, /is valid: 4 APIs/],
    [
      ['config', 'validate', '--json', DEMO_CONFIG],
      0,
      /^\{\n {2}"valid": true,.*"clients": 7,.*"warnings": \[\]\n\}\n$/s,
    ],
    [
      ['config', 'validate', '--json', 'absent.yaml'],
      1,
      /"valid": false,.*"problems": \[\n {4}"the file cannot be read: ENOENT"/s,
    ],
    [['--watch'], 2, /--watch needs a configuration file; tallystick init writes tallystick\.config\.yaml/],
    [['--workers', '2'], 2, /--workers does not apply to start, only to gateway/],
    [['dance'], 2, /^tallystick: unknown command "dance" \(see tallystick --help\)\n$/],
    [['statr'], 2, /unknown command "statr"; did you mean start\?/],
    [
      ['config', 'validte'],
      2,
      /unknown command "config validte"; did you mean config validate\? \(see tallystick config --help\)/,
    ],
    [['start', '--sideways'], 2, /unknown option "--sideways" \(see tallystick start --help\)/],
    [['start', '--confg', 'x'], 2, /unknown option "--confg"; did you mean --config\?/],
    [['start', '--config'], 2, /--config: expected a value/],
    [['start', '--workers', '2'], 2, /--workers does not apply to start, only to gateway/],
    [['gateway', '--workers', 'many'], 2, /--workers: expected 1 to 99; found "many"/],
    [['start', 'my.yaml'], 2, /unexpected argument "my\.yaml"; use --config my\.yaml/],
    [['config', 'validate', 'a.yaml', '--config', 'b.yaml'], 2, /the file is given twice/],
  ])('tallystick %j', async (args, code, text) => {
    const run = tallystick(args);
    expect(await run.exit).toBe(code);
    expect(run.output()).toMatch(text);
  });

  test('the start prints no warning of a dependency about the version of Node.js', async () => {
    const run = tallystick(['demo', '--config', DEMO_CONFIG]);
    expect(await run.exit).toBe(0);
    expect(run.output()).not.toContain('Unsupported runtime');
  });
});

describe('start with a changed file', () => {
  async function startWithFile(...options: string[]) {
    const { readFile } = await import('node:fs/promises');
    const file = path.join(folder, 'tallystick.config.yaml');
    const demo = await readFile(DEMO_CONFIG, 'utf8');
    await writeFile(file, demo);
    const ports = await freePorts();
    const start = tallystick(['start', '--config', file, ...options], ports);
    await until(() => start.output().includes('Ctrl-C stops it.'));
    const tokenStatus = async (client: string) => {
      const answer = await fetch(`${ports.TALLYSTICK_ISSUER}/token`, {
        method: 'POST',
        headers: { Authorization: `Basic ${btoa(`${client}:demo-service-secret`)}` },
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          resource: 'https://api.example.com/split',
        }),
      });
      return answer.status;
    };
    const gatewayStatus = async (prefix: string) =>
      (await fetch(`http://localhost:${ports.TALLYSTICK_GATEWAY_PORT}${prefix}/hello`)).status;
    return { start, file, demo, tokenStatus, gatewayStatus };
  }

  const change = (demo: string) =>
    demo.replace('id: demo-service', 'id: other-service').replace('prefix: /split', 'prefix: /joined');

  test(requirement('signals', 'start uses the changed clients and routes'), async () => {
    const { start, file, demo, tokenStatus, gatewayStatus } = await startWithFile();
    expect([await tokenStatus('demo-service'), await gatewayStatus('/split')]).toEqual([200, 401]);
    await writeFile(file, change(demo));
    start.signal('SIGHUP');
    await until(() => start.output().includes('configuration reloaded'));
    expect([await tokenStatus('demo-service'), await tokenStatus('other-service')]).toEqual([401, 200]);
    expect([await gatewayStatus('/split'), await gatewayStatus('/joined')]).toEqual([404, 401]);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });

  test.each([
    ['is not valid', () => 'apis: nonsense', 'apis: expected array'],
    [
      'changes a port',
      (demo: string) => demo.replace(/^sampleApi:/m, 'controlApi: { port: 1 }\nsampleApi:'),
      'controlApi: cannot change while the authorization server runs',
    ],
  ])(requirement('signals', 'start keeps its configuration if the file %s'), async (_what, wrong, reason) => {
    const { start, file, demo, tokenStatus, gatewayStatus } = await startWithFile();
    await writeFile(file, wrong(change(demo)));
    start.signal('SIGHUP');
    await until(() => start.output().includes('reload failed, keeping the current configuration'));
    expect(start.output()).toContain(reason);
    expect([await tokenStatus('demo-service'), await gatewayStatus('/split')]).toEqual([200, 401]);
  });

  test(requirement('signals', 'start logs at another level'), async () => {
    const { start, file, demo, gatewayStatus } = await startWithFile();
    const logged = () => start.output().match(/"request refused"/g)?.length ?? 0;
    await gatewayStatus('/split');
    await until(() => logged() === 1);
    await writeFile(file, `${demo}\nlog: { level: error }\n`);
    start.signal('SIGHUP');
    await until(() => start.output().includes('configuration reloaded'));
    await gatewayStatus('/split');
    await writeFile(file, demo);
    start.signal('SIGHUP');
    await until(() => start.output().match(/configuration reloaded/g)?.length === 2);
    await gatewayStatus('/split');
    await until(() => logged() === 2);
  });

  test(requirement('signals', 'start --watch needs no signal'), async () => {
    const { start, file, demo, tokenStatus } = await startWithFile('--watch');
    await writeFile(file, 'apis: nonsense');
    await until(() => start.output().includes('reload failed'));
    expect(await tokenStatus('demo-service')).toBe(200);
    await writeFile(file, change(demo));
    await until(() => start.output().includes('configuration reloaded'));
    expect(await tokenStatus('other-service')).toBe(200);
    start.signal('SIGTERM');
    expect(await start.exit).toBe(0);
  });
});

test('a port in use is reported in one line', async () => {
  const ports = await freePorts();
  const first = tallystick(['start', '--config', DEMO_CONFIG], ports);
  await until(() => first.output().includes('Ctrl-C stops it.'));
  const second = tallystick(['start', '--config', DEMO_CONFIG], ports);
  expect(await second.exit).toBe(1);
  expect(second.output()).toMatch(
    /^tallystick: port \d+ of the sample API is already in use at 127\.0\.0\.1; set sampleApi\.port or TALLYSTICK_SAMPLE_API_PORT\n$/,
  );
});

test('a program that uses the library sees no warning when it starts the servers', async () => {
  const program = `
    const { startTallystick } = await import(process.argv[1]);
    const tallystick = await startTallystick({ config: { log: { level: 'warn' } } });
    await tallystick.stop();
    console.log('stopped');
  `;
  const library = new URL('../../packages/tallystick/dist/index.js', import.meta.url).href;
  const run = runCommand('node', ['--input-type=module', '-e', program, library], { environment: {} });
  expect(await run.exit).toBe(0);
  expect(run.output()).toBe('stopped\n');
});
