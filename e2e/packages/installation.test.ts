import { existsSync } from 'node:fs';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { requirement } from '../requirements/index.ts';
import { packedTarballs } from '../support/packages/packed.ts';
import { createProject, type Project } from '../support/packages/project.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const PACKAGES = ['tallystick', '@tallystick/resource-server'];
const MEGABYTE = 1_000_000;

let project: Project;
beforeAll(async () => {
  project = await createProject();
  await project.install(...(await packedTarballs()));
});
afterAll(() => project.remove());

const folderOf = (name: string) => path.join(project.folder, 'node_modules', name);
const manifestOf = async (name: string) =>
  JSON.parse(await readFile(path.join(folderOf(name), 'package.json'), 'utf8'));

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
}

test(requirement('packages-small'), async () => {
  const installed = JSON.parse(await readFile(path.join(project.folder, 'node_modules/.package-lock.json'), 'utf8'));
  expect(Object.keys(installed.packages).sort()).toEqual(PACKAGES.map((name) => `node_modules/${name}`).sort());
  const files = await filesBelow(path.join(project.folder, 'node_modules'));
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(25 * MEGABYTE);
});

/** Each file that a manifest names, in any depth. */
const filesIn = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values(value as object).flatMap(filesIn);

describe.each(PACKAGES)('%s', (name) => {
  test(requirement('packages-complete', name), async () => {
    const { exports, main, types, bin = {}, files } = await manifestOf(name);
    const named = [...filesIn(exports), main, types, ...filesIn(bin), ...files, 'LICENSE', 'README.md'];
    expect(named.filter((file) => !existsSync(path.join(folderOf(name), file)))).toEqual([]);
  });

  test('contains only what its users need', async () => {
    const files = (await filesBelow(folderOf(name))).map((file) => path.relative(folderOf(name), file));
    expect(files.filter((file) => /\.test\.|tsbuildinfo|\.map$|^src|testing/.test(file))).toEqual([]);
    const manifest = await manifestOf(name);
    for (const key of ['dependencies', 'devDependencies', 'scripts', 'private'])
      expect(manifest).not.toHaveProperty(key);
    expect(JSON.stringify(manifest)).not.toMatch(/workspace:|@tallystick\/source/);
    expect(manifest).toMatchObject({ license: 'Apache-2.0', repository: { type: 'git' }, keywords: expect.any(Array) });
  });

  test('names the licence of each project whose code it contains', async () => {
    const notices = await readFile(path.join(folderOf(name), 'THIRD-PARTY-NOTICES.txt'), 'utf8');
    expect(notices).toMatch(/^jose \S+ \(MIT\)$/m);
    expect(notices).toContain('Permission is hereby granted, free of charge');
  });

  test('can be published', async () => {
    const folder = `./dist/${path.basename(name)}`;
    // A dry run asks the registry whether the version exists, but does not need the answer.
    const args = [
      'publish',
      folder,
      '--dry-run',
      '--access',
      'public',
      '--registry',
      'http://127.0.0.1:9/',
      '--fetch-retries',
      '0',
    ];
    const publish = runCommand('npm', args, { cwd: ROOT });
    expect([await publish.exit, publish.output()]).toEqual([0, expect.stringContaining(`+ ${name}@`)]);
    expect(publish.output()).not.toMatch(/auto-corrected|errors were/);
  });
});

describe('the command', () => {
  test('prints the version of the package', async () => {
    const { version } = await manifestOf('tallystick');
    const npx = runCommand('npx', ['--no-install', 'tallystick', '--version'], { cwd: project.folder });
    expect([await npx.exit, npx.output()]).toEqual([0, `${version}\n`]);
  });

  test(requirement('packages-run'), async () => {
    const ports = await freePorts();
    const start = project.run('tallystick', ['start'], { environment: ports });
    await until(() => start.output().includes('Ctrl-C stops it.'), start.output);
    const answer = await fetch(`http://localhost:${ports.TALLYSTICK_GATEWAY_PORT}/split/hello`);
    expect(answer.status).toBe(401);
    start.signal('SIGINT');
    expect(await start.exit).toBe(0);
  });

  test('walks through the demo', async () => {
    const output = await project.succeed('tallystick', ['demo']);
    expect(output).toContain('split');
  });

  test('makes a certificate for HTTPS', async () => {
    await writeFile(path.join(project.folder, 'https.yaml'), 'tls: { selfMade: true }\n');
    const ports = await freePorts('https');
    const start = project.run('tallystick', ['start', '--config', 'https.yaml'], { environment: ports });
    await until(() => start.output().includes('Ctrl-C stops it.'), start.output);
    start.signal('SIGINT');
    expect(await start.exit).toBe(0);
  });
});

test(requirement('packages-optional'), async () => {
  const config = 'gateway: { tracing: { endpoint: "http://127.0.0.1:9/v1/traces" } }\n';
  await writeFile(path.join(project.folder, 'traced.yaml'), config);
  const start = async () =>
    project.run('tallystick', ['start', '--config', 'traced.yaml'], { environment: await freePorts() });
  const refused = await start();
  expect(await refused.exit).toBe(1);
  const [, packages] =
    /^.*gateway\.tracing: expected OpenTelemetry.* Run npm install (.*)$/m.exec(refused.output()) ?? [];
  expect(packages?.split(' ')).toHaveLength(4);

  await project.install(...(packages ?? '').split(' '));
  const started = await start();
  await until(() => started.output().includes('Ctrl-C stops it.'), started.output);
  started.signal('SIGINT');
  expect(await started.exit).toBe(0);
});
