import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { until } from '@tallystick/testing/until';
import { type ConfigInput, checkConfig, startTallystick } from 'tallystick';
import { parse } from 'yaml';
import { requirements } from '../requirements/index.ts';
import { ROOT, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';

const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');

/** The code blocks of one language. */
const blocks = (markdown: string, language: string) =>
  [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => String(code));

/** `## The store` is `the-store`. */
const anchors = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => String(heading).toLowerCase().replaceAll(' ', '-'));

describe('the README', () => {
  let start: RunningCommand;
  const ports: Record<string, string> = {};
  beforeAll(async () => {
    for (const port of ['4000', '4100', '4200', '4300']) ports[port] = String(await freePort());
    start = runCommand('node', ['scripts/start.mjs'], {
      environment: {
        TALLYSTICK_ISSUER: `http://localhost:${ports['4000']}`,
        TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(ports['4000']),
        TALLYSTICK_GATEWAY_PORT: String(ports['4100']),
        TALLYSTICK_SAMPLE_API_PORT: String(ports['4200']),
        TALLYSTICK_CONTROL_API_ENABLED: 'true',
        TALLYSTICK_CONTROL_API_PORT: String(ports['4300']),
        TALLYSTICK_SAMPLE_API_URL: `http://localhost:${ports['4200']}`,
      },
    });
    await until(() => start.output().includes('Ctrl-C stops it.'));
  });
  afterAll(async () => {
    start.signal('SIGINT');
    expect(await start.exit).toBe(0);
  });

  test('every command block works', async () => {
    const commands = blocks(await read('README.md'), 'sh');
    expect(commands.length).toBeGreaterThanOrEqual(5);
    const { scripts } = JSON.parse(await read('package.json'));
    for (const command of commands) {
      const [, script] = /^npm (?:run )?([\w:]+)\n$/.exec(command) ?? [];
      if (script !== undefined) {
        expect(Object.keys(scripts)).toContain(script); // `npm start` and `npm test` run already.
        continue;
      }
      const run = runCommand('bash', ['-euc', withPorts(command, ports)]);
      expect([command, await run.exit, run.output()]).toEqual([command, 0, expect.any(String)]);
      if (command.includes('/split/hello')) expect(run.output()).toContain('"style":"split"');
    }
  });

  test('the library example works', async () => {
    const [example = ''] = blocks(await read('README.md'), 'js');
    const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
    try {
      await writeFile(path.join(folder, 'example.mjs'), example);
      const run = runCommand('node', [path.join(folder, 'example.mjs')]);
      expect(await run.exit).toBe(0);
      expect(run.output()).toMatch(/^200 Bearer ey[\w-]+\.[\w-]+\.[\w-]+$/m);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('every configuration sample in the documents is a whole configuration, and runs', async () => {
  const outcomes: Record<string, string> = {};
  for (const file of await documents()) {
    for (const [index, sample] of blocks(await read(file), 'yaml').entries())
      outcomes[`${file}, sample ${index + 1}`] = await run(parse(sample));
  }
  expect(Object.keys(outcomes).length).toBeGreaterThan(40);
  expect(outcomes).toEqual(Object.fromEntries(Object.keys(outcomes).map((sample) => [sample, 'runs'])));
});

/** Starts a sample on free ports, and on the memory store. A sample may name files that this machine does not have. */
async function run(sample: ConfigInput): Promise<string> {
  try {
    const { store } = checkConfig(sample);
    const config = { ...sample, ...(store.url !== 'memory:' && { store: {} }), log: { level: 'silent' as const } };
    await (await startTallystick({ config })).stop();
    return 'runs';
  } catch (error) {
    const { message } = error as Error;
    return /: expected PEM(?: or JWK)?, or a file that /.test(message) ? 'runs' : message;
  }
}

test.each(['deploy/traefik/dynamic.yaml', 'deploy/envoy/envoy.yaml'])('%s is YAML', async (file) => {
  expect(Object.keys(parse(await read(file)))).toHaveLength(1);
});

test('every requirement that cites the design cites an existing section', async () => {
  const sections = anchors(await read('docs/design.md'));
  const named = Object.values(requirements).flatMap(({ link }) => /^docs\/design\.md#(.*)$/.exec(link)?.[1] ?? []);
  expect(named.filter((section) => !sections.includes(section))).toEqual([]);
});

async function documents(): Promise<string[]> {
  const below = (await readdir(path.join(ROOT, 'docs'), { recursive: true })).map((file) => `docs/${file}`);
  return ['README.md', 'CONTRIBUTING.md', ...below.filter((file) => file.endsWith('.md'))];
}

function withPorts(command: string, ports: Record<string, string>): string {
  return Object.entries(ports).reduce(
    (text, [from, to]) => text.replaceAll(`localhost:${from}`, `localhost:${to}`),
    command,
  );
}
