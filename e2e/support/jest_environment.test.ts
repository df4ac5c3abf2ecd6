import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { ROOT, runCommand } from './worlds/run_command.ts';

const SUITE = `
describe('a table', () => {
  beforeAll(() => { throw new Error('the set-up of the table failed'); });
  test.each(Array.from({ length: 100 }, (_, cell) => cell))('cell %s', () => {});
  describe('within it', () => { test('another', () => {}); });
});
test('beside the table', () => {});
`;

test('jest reports a failed set-up once, however many tests it affects', async () => {
  const folder = await realpath(await mkdtemp(path.join(os.tmpdir(), 'tallystick-suite-')));
  try {
    await writeFile(path.join(folder, 'suite.test.js'), SUITE);
    await writeFile(
      path.join(folder, 'jest.config.json'),
      JSON.stringify({ rootDir: folder, testEnvironment: path.join(ROOT, 'jest.environment.js'), transform: {} }),
    );
    const run = runCommand(process.execPath, [
      '--experimental-vm-modules',
      path.join(ROOT, 'node_modules/jest/bin/jest.js'),
      ...['--config', path.join(folder, 'jest.config.json')],
    ]);
    expect(await run.exit).toBe(1);
    expect(run.output()).toContain('Tests:       1 failed, 100 skipped, 1 passed, 102 total');
    expect(run.output().split('● ').length - 1).toBe(1);
  } finally {
    await rm(folder, { recursive: true });
  }
});
