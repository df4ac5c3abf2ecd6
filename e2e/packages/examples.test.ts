import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { packedTarballs } from '../support/packages/packed.ts';
import { createProject, type Project } from '../support/packages/project.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const FOLDER = path.join(ROOT, 'examples');
const OURS = ['tallystick', '@tallystick/resource-server'];

/** More time for a busy machine. */
const PATIENT: Record<string, readonly string[]> = {
  jest: ['--testTimeout=120000'],
  'vitest run': ['--testTimeout=120000', '--hookTimeout=120000'],
};

/** What a test needs besides npm: `npm test` of the workspace has found it, or has reported that it is missing. */
const NEEDED: Record<string, string> = { 'playwright test': 'CHROMIUM' };

interface Manifest {
  readonly scripts: { readonly test: string };
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter(
  (file) => !file.includes('node_modules'),
);
const examples = files.filter((file) => path.basename(file) === 'package.json').map((file) => path.dirname(file));
const read = (file: string) => readFileSync(path.join(FOLDER, file), 'utf8');

const manifestOf = (example: string): Manifest => JSON.parse(read(`${example}/package.json`));

/** The packages of the examples, each with its version. */
const packages = examples.flatMap((example) => {
  const { dependencies, devDependencies } = manifestOf(example);
  return Object.entries({ ...dependencies, ...devDependencies }).map(([name, version]) => `${name}@${version}`);
});
const foreign = [...new Set(packages)].filter((each) => !OURS.some((name) => each.startsWith(`${name}@`)));

let project: Project;
beforeAll(async () => {
  project = await createProject(FOLDER);
  // One installation, above the folders of all examples.
  await project.install(...foreign, ...(await packedTarballs()));
});
afterAll(() => project.remove());

describe.each(examples)('%s', (example) => {
  const { test: command } = manifestOf(example).scripts;
  const needed = NEEDED[command];
  const program = needed === undefined ? undefined : process.env[needed];

  (needed !== undefined && program === undefined ? test.skip : test)(requirement('examples-run'), async () => {
    const npm = runCommand('npm', ['test', '--', ...(PATIENT[command] ?? [])], {
      cwd: path.join(project.folder, example),
      environment: { CI: 'true', NO_COLOR: '1', ...(needed && program && { [needed]: program }) },
    });
    expect([await npm.exit, npm.output()]).toEqual([0, expect.stringMatching(/pass [1-9]|[1-9]\d* passed/)]);
  });
});

test('the samples of the page about protecting an API print the documented output', async () => {
  const page = readFileSync(path.join(ROOT, 'docs/how-to/protect-an-api.md'), 'utf8');
  const samples = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, sample]) => sample).join('');
  writeFileSync(path.join(project.folder, 'page.mjs'), samples);
  const documented = [...samples.matchAll(/; \/\/ (\d.*|scope=.*)$/gm)].map(([, output]) => output);
  expect(documented).toHaveLength(11);
  expect(await project.succeed('node', ['page.mjs'])).toBe(`${documented.join('\n')}\n`);
});

test('the examples agree on the versions of their packages', () => {
  const names = foreign.map((each) => each.slice(0, each.lastIndexOf('@')));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test('the list of examples has each of them, and each has a page that says how to run it', () => {
  const list = read('README.md');
  for (const example of examples) {
    expect(list).toContain(`](${example}/README.md)`);
    expect(read(`${example}/README.md`)).toMatch(/^# .*^```sh\n.*^npm test\n```/ms);
  }
});

test('no example uses a file outside its folder', () => {
  for (const file of files.filter((name) => /\.(?:[cm]?js|ts|py|sh)$/.test(name))) {
    expect([file, read(file).match(/(?:from|import|require\() ?'\.\.\/.*/)]).toEqual([file, null]);
  }
});
