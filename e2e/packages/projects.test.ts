import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { packedTarballs } from '../support/packages/packed.ts';
import { createProject, type Project } from '../support/packages/project.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

let project: Project;
let tarballs: string[];
beforeAll(async () => {
  tarballs = await packedTarballs();
  project = await createProject(path.join(ROOT, 'e2e/packages/project'));
  // One installation for all tools. It takes most of the time of these tests.
  await project.install(...tarballs);
});
afterAll(() => project.remove());

describe('test runners', () => {
  test.each([
    ['jest', ['jest/'], /Tests: +1 passed, 1 total/],
    ['vitest', ['run', '--dir', 'vitest'], /Tests +1 passed/],
    ['mocha', ['mocha'], /1 passing/],
    ['node', ['--test', 'node_test/orders.test.mjs'], /pass 1\n/],
  ])(`${requirement('packages-in-tests', '')}: %s`, async (program, args, passed) => {
    expect(await project.succeed(program, args)).toMatch(passed);
  });

  test('import and require give the same instance', async () => {
    expect(await project.succeed('node', ['--test', 'node_test/instances.test.mjs'])).toMatch(/fail 0\n/);
  });

  test(requirement('packages-keep-globals'), async () => {
    expect(await project.succeed('node', ['--test', 'node_test/globals.test.cjs'])).toMatch(/fail 0\n/);
  });
});

/** The JavaScript in the README of a package. */
async function samplesOf(name: string): Promise<string[]> {
  const readme = await readFile(path.join(project.folder, 'node_modules', name, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => String(code));
}

describe('the samples in the READMEs', () => {
  test('of tallystick', async () => {
    const [sample, ...others] = await samplesOf('tallystick');
    expect(others).toEqual([]);
    await mkdir(path.join(project.folder, 'readme'));
    const patience = 'jest.setTimeout(60_000);\n';
    await writeFile(path.join(project.folder, 'readme/sample.test.js'), `${patience}${sample}`);
    expect(await project.succeed('jest', ['readme'])).toMatch(/Tests: +1 passed, 1 total/);
  });

  test('of the resource server', async () => {
    // The others are one line of an application.
    const whole = (await samplesOf('@tallystick/resource-server')).filter((sample) => sample.includes('require('));
    expect(whole).toHaveLength(2);
    for (const sample of whole) {
      await writeFile(path.join(project.folder, 'sample.cjs'), sample);
      expect(await project.succeed('node', ['sample.cjs'])).toBe('');
    }
  });
});

describe.each(['22', '24', '26'])('Node.js %s', (version) => {
  let node: string;
  beforeAll(async () => {
    const npx = runCommand('npx', ['--yes', '-p', `node@${version}`, 'node', '-p', 'process.execPath']);
    expect([await npx.exit, npx.output()]).toEqual([0, expect.any(String)]);
    node = npx.output().trim().split('\n').at(-1) ?? '';
    expect(await project.succeed('node', ['--version'], { node })).toMatch(`v${version}.`);
  });

  test.each([
    ['node', ['--test', 'node_test/**/*.test.*']],
    ['jest', ['jest/']],
  ])(`${requirement('packages-on-node')}: %s`, async (program, args) => {
    const output = await project.succeed(program, args, { node });
    expect(output).not.toMatch(/DeprecationWarning|DEP0|ExperimentalWarning/);
  });
});

describe('types', () => {
  const STRICT = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--target', 'es2022', '--types', 'node'];
  const NODE = ['types/library.mts', 'types/library.cts', 'types/express.mts'];
  const MODES = {
    node16: ['--module', 'node16', ...NODE],
    nodenext: ['--module', 'nodenext', ...NODE],
    // CommonJS syntax does not go with it.
    bundler: ['--module', 'preserve', '--moduleResolution', 'bundler', 'types/library.mts', 'types/express.mts'],
  };

  const check = (compiler: string, ...args: readonly string[]) =>
    project.succeed('node', [`node_modules/${compiler}/bin/tsc`, ...STRICT, ...args]);

  test.each(Object.entries(MODES))(`${requirement('packages-typed')}: %s`, async (_, args) => {
    expect(await check('typescript', '--skipLibCheck', 'false', ...args)).toBe('');
  });

  test(requirement('packages-typed', 'TypeScript 5'), async () => {
    expect(await check('typescript-5', '--skipLibCheck', 'false', ...MODES.nodenext)).toBe('');
  });

  test('the middleware fits applications of Koa', async () => {
    // The types of Koa themselves have an error beside Express 5.
    expect(await check('typescript', '--skipLibCheck', '--module', 'nodenext', 'types/koa.mts')).toBe('');
  });

  test.each([
    ['publint', ['--strict']],
    ['attw', ['--no-emoji']],
  ])('%s finds nothing wrong', async (program, args) => {
    for (const tarball of tarballs) await project.succeed(program, [...args, tarball]);
  });
});
