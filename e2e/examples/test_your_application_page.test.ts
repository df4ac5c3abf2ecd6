import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

const samples = async () => {
  const page = await readFile(path.join(ROOT, 'docs/how-to/test-your-application.md'), 'utf8');
  return [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, code]) => String(code));
};

/** Runs a script that can import the packages of the workspace. */
async function run(name: string, code: string, ...options: string[]) {
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    await writeFile(path.join(folder, name), code);
    const command = runCommand('node', [...options, path.join(folder, name)]);
    return { status: await command.exit, output: command.output() };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test('the first test on the page about testing an application passes', async () => {
  const [first = ''] = await samples();
  // node:test has the functions of Jest that this test uses, except for `expect`.
  const code = `const { test } = require('node:test');
    const expect = (list) => ({ toHaveLength: (length) => require('node:assert').equal(list.length, length) });
    ${first}`;
  const { status, output } = await run('first.cjs', code);
  expect([status, output]).toEqual([0, expect.stringContaining('pass 1')]);
});

test('the samples on the page about testing an application print what they say', async () => {
  const [, ...continued] = await samples();
  const code = continued.join('\n');
  const printed = [...code.matchAll(/console\.log\(.* \/\/ (.+)$/gm)].map(([, text]) => text);
  expect(printed.length).toBeGreaterThan(10);
  const { status, output } = await run('samples.cjs', `(async () => {\n${code}\n})();`);
  expect([status, output.trim().split('\n')]).toEqual([0, printed]);
});
