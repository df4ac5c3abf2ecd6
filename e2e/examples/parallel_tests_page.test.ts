import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { startControlled } from '../support/worlds/controlled.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const sample = async (language: string) => {
  const page = await readFile(path.join(ROOT, 'docs/how-to/parallel-tests.md'), 'utf8');
  return String(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'ms').exec(page)?.[1]);
};

test('the JavaScript on the page about parallel tests prints the documented output', async () => {
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    const file = path.join(folder, 'example.mjs');
    await writeFile(file, await sample('js'));
    const run = runCommand('node', [file]);
    expect([await run.exit, run.output()]).toEqual([0, expect.stringContaining('[ 503, 200 ] 2')]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('the commands on the page about parallel tests work', async () => {
  const world = await startControlled();
  try {
    const commands = (await sample('sh')).replaceAll('http://localhost:4300', world.controlUrl);
    const run = runCommand('bash', ['-euc', commands]);
    expect([await run.exit, run.output()]).toEqual([0, expect.stringContaining(`"issuer":"${world.issuer}/checkout"`)]);
    expect(run.output()).toContain('"requests":[]');
    expect((await world.control('GET', '/tenants')).body.tenants).toEqual([]);
  } finally {
    await world.stop();
  }
});
