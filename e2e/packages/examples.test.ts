import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { requirement } from '../requirements/index.ts';
import { packedTarballs } from '../support/packages/packed.ts';
import { createProject, type Project } from '../support/packages/project.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const FOLDER = path.join(ROOT, 'examples');
const OURS = ['tallystick', '@tallystick/resource-server'];

/** How `npm test` of an example is run, by the command behind it. */
interface Runner {
  /** More time for a busy machine. */
  readonly patience?: readonly string[];
  /** The variable with a program that `npm test` of the workspace has found, or has reported as missing. */
  readonly program?: 'CHROMIUM' | 'PYTEST';
  /** It starts the command `tallystick`, whose ports are fixed. */
  readonly startsCommand?: true;
}

const RUNNERS: Record<string, Runner> = {
  jest: { patience: ['--testTimeout=120000'] },
  'vitest run': { patience: ['--testTimeout=120000', '--hookTimeout=120000'] },
  'node --test': {},
  'playwright test': { program: 'CHROMIUM' },
  'bash test.sh': { startsCommand: true },
  'python3 -m pytest': { program: 'PYTEST', startsCommand: true },
};

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
  const { patience = [], program, startsCommand } = RUNNERS[command] ?? {};
  const found = program && process.env[program];

  (program === undefined || found ? test : test.skip)(requirement('examples-run'), async () => {
    const npm = runCommand('npm', ['test', '--', ...patience], {
      cwd: path.join(project.folder, example),
      environment: {
        ...{ CI: 'true', NO_COLOR: '1' },
        ...(program === 'CHROMIUM' && { CHROMIUM: String(found) }),
        ...(program === 'PYTEST' && { PATH: `${path.dirname(String(found))}:${process.env.PATH}` }),
        ...(startsCommand && (await freePorts())),
        ...(startsCommand && { TALLYSTICK_CONTROL_API_PORT: String(await freePort('localhost')) }),
      },
    });
    expect([await npm.exit, npm.output()]).toEqual([0, expect.stringMatching(/pass [1-9]|[1-9]\d* passed|^ok - /m)]);
  });
});

test('the command of each example is one that the tests can run', () => {
  const commands = examples.map((example) => manifestOf(example).scripts.test);
  expect(commands.filter((command) => !(command in RUNNERS))).toEqual([]);
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
