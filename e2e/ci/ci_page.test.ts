import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { checkGitLab, findGitHubProblems } from '../support/ci/github.ts';
import { freePorts } from '../support/worlds/free_ports.ts';
import { MAIN, ROOT, runCommand } from '../support/worlds/run_command.ts';

const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');

async function blocks(language: string): Promise<string[]> {
  const page = await read('docs/how-to/ci.md');
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => String(code));
}

const isWorkflow = (sample: string) => /^jobs:/m.test(sample);

test(requirement('ci-samples-are-valid', 'GitHub'), async () => {
  const workflows = (await blocks('yml')).filter(isWorkflow);
  expect(workflows).toHaveLength(2);
  const files = workflows.map((text, index) => ({ name: `.github/workflows/${index}.yml`, text }));
  expect(await findGitHubProblems([...files, { name: 'action.yml', text: await read('action.yml') }])).toEqual([]);
});

test(requirement('ci-samples-are-valid', 'the check for GitHub finds mistakes'), async () => {
  const [workflow = ''] = (await blocks('yml')).filter(isWorkflow);
  const problems = await findGitHubProblems([
    { name: '.github/workflows/wrong.yml', text: workflow.replace('runs-on', 'run-on') },
    { name: 'action.yml', text: (await read('action.yml')).replace('shell: bash', 'shel: bash') },
  ]);
  expect(problems.join()).toContain('run-on');
  expect(problems.join()).toContain('shel');
});

test(requirement('ci-samples-are-valid', 'inputs of the action'), async () => {
  const [workflow = ''] = await blocks('yml');
  const { inputs, outputs } = parse(await read('action.yml'));
  const [used] = parse(workflow).jobs.test.steps.filter(({ id }: { id?: string }) => id === 'tallystick');
  expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(used.with)));
  const named = [...workflow.matchAll(/steps\.tallystick\.outputs\.(\w+)/g)].map(([, name]) => name);
  expect(Object.keys(outputs)).toEqual(named);
});

test(requirement('ci-samples-are-valid', 'GitLab'), async () => {
  const [sample = '', ...others] = (await blocks('yml')).filter((text) => !isWorkflow(text));
  expect(others).toEqual([]);
  expect(await checkGitLab(sample)).toEqual({ code: 0, output: expect.stringMatching(/^test\s/m) });
  expect((await checkGitLab(sample.replace('script:', 'scrpt:'))).code).not.toBe(0);
});

test(requirement('ci-samples-are-valid', 'Tallystick accepts their environment'), async () => {
  const samples = (await blocks('yml')).map((sample) => parse(sample));
  const environments = samples
    .map(({ jobs, ...gitLab }) => (jobs ?? gitLab).test.services)
    .flatMap((services) => {
      const [service] = Object.values((services ?? {}) as Record<string, Record<string, Record<string, string>>>);
      return service === undefined ? [] : [service.env ?? service.variables ?? {}];
    });
  expect(environments.map((environment) => Object.keys(environment).length > 0)).toEqual([true, true]);
  for (const environment of environments) {
    const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-sample-'));
    const run = runCommand('node', [MAIN, 'config', 'validate'], { cwd: folder, environment });
    expect([environment, await run.exit, run.output()]).toEqual([environment, 0, expect.any(String)]);
    await rm(folder, { recursive: true });
  }
});

describe('the action', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-action-'));
    // npx runs this build instead of the published package.
    const npx = `#!/bin/sh\necho $$ > '${folder}/pid'\necho "$1 $2" > '${folder}/package'\nshift 2\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
    await writeFile(path.join(folder, 'npx'), npx);
    await chmod(path.join(folder, 'npx'), 0o755);
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Runs its script as GitHub does. */
  async function runAction(environment: Record<string, string>) {
    const { runs } = parse(await read('action.yml'));
    const run = runCommand('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', runs.steps[0].run], {
      cwd: folder,
      environment: {
        PATH: `${folder}:${process.env.PATH}`,
        VERSION: '1.2.3',
        CONFIG: '',
        RUNNER_TEMP: folder,
        GITHUB_OUTPUT: path.join(folder, 'output'),
        ...environment,
      },
    });
    return { code: await run.exit, output: run.output() };
  }

  test(requirement('ci-action-starts', 'and leaves it running'), async () => {
    const ports = await freePorts();
    const { code } = await runAction(ports);
    try {
      expect(code).toBe(0);
      expect((await fetch(`${ports.TALLYSTICK_ISSUER}/.well-known/openid-configuration`)).status).toBe(200);
      expect(await readFile(path.join(folder, 'package'), 'utf8')).toBe('--yes tallystick@1.2.3\n');
      const log = `${folder}/tallystick.log`;
      expect(await readFile(path.join(folder, 'output'), 'utf8')).toBe(`log=${log}\n`);
      expect(await readFile(log, 'utf8')).toContain('Tallystick is ready');
    } finally {
      process.kill(Number(await readFile(path.join(folder, 'pid'), 'utf8')), 'SIGKILL');
    }
  });

  test(requirement('ci-action-starts', 'a configuration that is not there'), async () => {
    const { code, output } = await runAction({ CONFIG: 'absent file.yaml' });
    expect(code).toBe(1);
    expect(output).toContain('::error::Tallystick did not start');
    expect(output).toContain('absent file.yaml cannot be used:');
  });

  test('passes inputs as variables, so that they cannot change the script', async () => {
    const { runs, inputs } = parse(await read('action.yml'));
    const [step] = runs.steps;
    expect(step.run).not.toContain('${{');
    expect(Object.values(step.env)).toEqual(Object.keys(inputs).map((name) => `\${{ inputs.${name} }}`));
  });
});
