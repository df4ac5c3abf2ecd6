import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { loadConfig } from 'tallystick';
import { parse } from 'yaml';
import { freePorts } from '../support/worlds/free_ports.ts';
import { MAIN, ROOT, type RunningCommand, runCommand } from '../support/worlds/run_command.ts';

const read = (file: string) => readFile(path.join(ROOT, file), 'utf8');

describe('the GitHub action', () => {
  let folder: string;
  let started: RunningCommand[];
  beforeEach(async () => {
    started = [];
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-'));
    // In place of npx, which would get the package from the registry.
    const npx = `#!/bin/sh\necho "$$" > '${folder}/pid'\necho "$1 $2" > '${folder}/package'\nshift 2\nexec '${process.execPath}' '${MAIN}' "$@"\n`;
    await writeFile(path.join(folder, 'npx'), npx);
    await chmod(path.join(folder, 'npx'), 0o755);
  });
  afterEach(async () => {
    const pid = await readFile(path.join(folder, 'pid'), 'utf8').catch(() => '');
    if (pid !== '') runCommand('kill', [pid.trim()]);
    await Promise.all(started.map((command) => command.exit));
    await rm(folder, { recursive: true });
  });

  async function run(environment: Record<string, string>) {
    const { runs } = parse(await read('action.yml'));
    const command = runCommand('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', '-c', runs.steps[0].run], {
      cwd: folder,
      environment: {
        PATH: `${folder}:${process.env.PATH}`,
        ...{ VERSION: '1.2.3', CONFIG: '', RUNNER_TEMP: folder, GITHUB_OUTPUT: path.join(folder, 'output') },
        ...environment,
      },
    });
    started.push(command);
    return { exit: await command.exit, output: command.output() };
  }

  test('returns when Tallystick is ready, and leaves it running', async () => {
    const ports = await freePorts();
    expect(await run(ports)).toMatchObject({ exit: 0 });
    expect((await fetch(`${ports.TALLYSTICK_ISSUER}/.well-known/openid-configuration`)).status).toBe(200);
    expect(await readFile(path.join(folder, 'package'), 'utf8')).toBe('--yes tallystick@1.2.3\n');
    expect(await readFile(path.join(folder, 'output'), 'utf8')).toBe(`log=${folder}/tallystick.log\n`);
  });

  test('fails with the output of Tallystick if it cannot start', async () => {
    const { exit, output } = await run({ CONFIG: 'absent file.yaml' });
    expect([exit, output]).toEqual([1, expect.stringContaining('absent file.yaml cannot be used:')]);
  });

  test('passes inputs as variables, so that they cannot change the script', async () => {
    const { runs, inputs } = parse(await read('action.yml'));
    const [step] = runs.steps;
    expect(step.run).not.toContain('${{');
    expect(Object.values(step.env)).toEqual(Object.keys(inputs).map((name) => `\${{ inputs.${name} }}`));
  });
});

describe('the samples for CI services', () => {
  const samples = async () =>
    [...(await read('docs/how-to/containers.md')).matchAll(/^```yml\n(.*?)^```/gms)].map(([, code]) =>
      parse(String(code)),
    );

  test('give Tallystick a valid configuration', async () => {
    const [, services, gitlab] = await samples();
    for (const environment of [services.jobs.test.services.tallystick.env ?? {}, gitlab.test.variables])
      await loadConfig(path.join(ROOT, 'tallystick.config.yaml'), environment);
  });

  test('use inputs that the action has', async () => {
    const [action] = await samples();
    const { inputs } = parse(await read('action.yml'));
    const { with: given } = action.jobs.test.steps.find(({ uses = '' }) => uses.startsWith('tallystick/'));
    expect(Object.keys(inputs)).toEqual(expect.arrayContaining(Object.keys(given)));
  });
});
