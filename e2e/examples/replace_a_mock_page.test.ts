import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { onTestFinished } from '@tallystick/testing/on_test_finished';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

test('the JavaScript on the page about mocks prints the documented output', async () => {
  const page = await readFile(path.join(ROOT, 'docs/how-to/replace-a-mock.md'), 'utf8');
  const [, sample = ''] = /^```js\n(.*?)^```/ms.exec(page) ?? [];
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'example.mjs');
  await writeFile(file, sample);
  const documented = [...sample.matchAll(/^console\.log.*; \/\/ (.*)$/gm)].map(([, output]) => output);
  expect(documented).toHaveLength(6);
  const run = runCommand('node', [file]);
  expect([await run.exit, run.output()]).toEqual([0, expect.any(String)]);
  const printed = run
    .output()
    .split('\n')
    .filter((line) => line !== '' && !/^(\{|oidc-provider WARNING)/.test(line));
  expect(printed).toEqual(documented);
});
