import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'tallystick-release-'));
  for (const name of ['scripts', 'package.json', 'CHANGELOG.md', 'packages/tallystick/package.json'])
    await cp(path.join(ROOT, name), path.join(folder, name), { recursive: true });
  for (const command of ['init', 'config user.name Maintainer', 'config user.email maintainer@example.com', 'add .'])
    await git(...command.split(' '));
  await git('commit', '--message', 'A workspace');
});
afterEach(() => rm(folder, { recursive: true }));

async function run(command: string, ...args: readonly string[]) {
  const running = runCommand(command, args, { cwd: folder });
  return { code: await running.exit, output: running.output() };
}
const git = (...args: readonly string[]) => run('git', ...args);
const release = (...args: readonly string[]) => run(process.execPath, 'scripts/release.mjs', ...args);
const versionOf = async (file: string) => JSON.parse(await readFile(path.join(folder, file), 'utf8')).version;

describe('npm run release', () => {
  test('changes the versions, dates the changelog, and tags the commit', async () => {
    expect(await release('9.8.7')).toEqual({ code: 0, output: expect.stringContaining('git push --follow-tags') });
    for (const file of ['package.json', 'packages/tallystick/package.json'])
      expect(await versionOf(file)).toBe('9.8.7');
    const changelog = await readFile(path.join(folder, 'CHANGELOG.md'), 'utf8');
    expect(changelog).toMatch(/## Unreleased\n\n## 9\.8\.7 \(\d{4}-\d\d-\d\d\)\n\n- /);
    expect((await git('describe', '--exact-match')).output).toBe('v9.8.7\n');
    expect((await git('status', '--porcelain')).output).toBe('');
  });

  test('needs something in the changelog', async () => {
    await release('9.8.7');
    expect(await release('9.8.8')).toEqual({ code: 1, output: expect.stringContaining('nothing below') });
    expect(await versionOf('package.json')).toBe('9.8.7');
  });

  test.each([[[]], [['newest']], [['1.2']]])('%j is refused', async (args) => {
    expect(await release(...args)).toEqual({ code: 2, output: expect.stringContaining('usage') });
  });

  test('needs a clean working tree', async () => {
    await writeFile(path.join(folder, 'CHANGELOG.md'), 'changed');
    expect(await release('9.8.7')).toEqual({ code: 1, output: expect.stringContaining('Commit or remove') });
  });

  test('publishes for the tag of the version only', async () => {
    expect(await release('publish')).toEqual({ code: 1, output: expect.stringContaining('The tag is missing') });
  });
});
