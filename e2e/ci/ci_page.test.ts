import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { parse } from 'yaml';
import { requirement } from '../requirements/index.ts';
import { checkGitLab, findGitHubProblems } from '../support/ci/github.ts';
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
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Runs its script as GitHub does. npx runs this build instead of the published package. */
  async function runAction(config: string, readyUrl: string, environment: Record<string, string> = {}) {
    const { runs } = parse(await read('action.yml'));
    const programs = path.join(folder, 'bin');
    await mkdir(programs, { recursive: true });
    const npx = path.join(programs, 'npx');
    await writeFile(npx, `#!/bin/sh\necho $$ > '${folder}/pid'\nshift 2\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    await chmod(npx, 0o755);
    const run = runCommand('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', runs.steps[0].run], {
      cwd: folder,
      environment: {
        ...environment,
        PATH: `${programs}:${process.env.PATH}`,
        PACKAGE: 'tallystick@latest',
        CONFIG: config,
        READY_URL: readyUrl,
        RUNNER_TEMP: folder,
        GITHUB_OUTPUT: path.join(folder, 'output'),
      },
    });
    return { code: await run.exit, output: run.output(), log: `${folder}/tallystick.log` };
  }

  test(requirement('ci-action-starts'), async () => {
    const [port, gateway] = [await freePort(), await freePort()];
    const { code, log } = await runAction('', `http://localhost:${gateway}/readyz`, {
      TALLYSTICK_ISSUER: `http://localhost:${port}`,
      TALLYSTICK_AUTHORIZATION_SERVER_PORT: String(port),
      TALLYSTICK_GATEWAY_PORT: String(gateway),
      TALLYSTICK_SAMPLE_API_PORT: '0',
      TALLYSTICK_CONTROL_API_PORT: '0',
    });
    try {
      expect(code).toBe(0);
      expect((await fetch(`http://localhost:${port}/.well-known/openid-configuration`)).status).toBe(200);
      expect(await readFile(path.join(folder, 'output'), 'utf8')).toBe(`log=${log}\n`);
      expect(await readFile(log, 'utf8')).toContain('Tallystick is ready');
    } finally {
      process.kill(Number(await readFile(path.join(folder, 'pid'), 'utf8')), 'SIGKILL');
    }
  });

  test(requirement('ci-action-starts', 'a wrong configuration'), async () => {
    await writeFile(path.join(folder, 'wrong.yaml'), 'issuer: nonsense\n');
    const { code, output } = await runAction('wrong.yaml', `http://localhost:${await freePort()}/readyz`);
    expect(code).toBe(1);
    expect(output).toContain('::error::Tallystick did not become ready');
    expect(output).toContain('issuer: expected');
  });
});

describe('snippets for Testcontainers', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'tallystick-snippet-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const has = (command: string) => spawnSync(command, ['--version']).status === 0;

  (has('python3') ? test : test.skip)(requirement('ci-testcontainers', 'the snippet is Python'), async () => {
    const [snippet = ''] = await blocks('python');
    const file = path.join(folder, 'snippet.py');
    await writeFile(file, snippet);
    expect(spawnSync('python3', ['-m', 'py_compile', file], { encoding: 'utf8' }).stderr).toBe('');
  });

  (has('javac') ? test : test.skip)(requirement('ci-testcontainers', 'the snippet is Java'), async () => {
    const [snippet = ''] = await blocks('java');
    const sources = {
      'org/testcontainers/containers/GenericContainer.java': GENERIC_CONTAINER,
      'org/testcontainers/containers/wait/strategy/Wait.java': WAIT,
      'Snippet.java': `import java.net.ServerSocket;
import java.util.List;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
class Snippet { void run() throws Exception {\n${snippet}\n} }`,
    };
    for (const [name, text] of Object.entries(sources)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    const files = Object.keys(sources);
    expect(spawnSync('javac', files, { cwd: folder, encoding: 'utf8' }).stderr).toBe('');
  });
});

/** The parts of Testcontainers for Java that the snippet uses. Its packages are not on npm or in Debian. */
const GENERIC_CONTAINER = `package org.testcontainers.containers;
public class GenericContainer<SELF extends GenericContainer<SELF>> {
  public GenericContainer(String image) {}
  @SuppressWarnings("unchecked") private SELF self() { return (SELF) this; }
  public SELF withEnv(String name, String value) { return self(); }
  public SELF withExposedPorts(Integer... ports) { return self(); }
  public SELF waitingFor(org.testcontainers.containers.wait.strategy.Wait.HttpWaitStrategy strategy) { return self(); }
  public void setPortBindings(java.util.List<String> bindings) {}
  public void start() {}
  public Integer getMappedPort(int port) { return port; }
}
`;
const WAIT = `package org.testcontainers.containers.wait.strategy;
public class Wait {
  public static class HttpWaitStrategy { public HttpWaitStrategy forPort(int port) { return this; } }
  public static HttpWaitStrategy forHttp(String path) { return new HttpWaitStrategy(); }
}
`;
