import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { runCommand } from '../support/worlds/run_command.ts';

/** Bytes of memory that an instance may leave behind. A `fetch` whose connections nobody closes leaves 45,000. */
const MAX_BYTES = 15_000;

test(requirement('library-stops', 'one hundred instances'), async () => {
  const script = new URL('../support/worlds/hundred_instances.mjs', import.meta.url);
  const run = runCommand('node', ['--expose-gc', fileURLToPath(script), String(MAX_BYTES)]);
  expect([await run.exit, run.output()]).toEqual([0, expect.stringContaining('{"rounds":')]);
  const { rounds, resources } = JSON.parse(run.output().trim()) as { rounds: number[]; resources: string[] };
  // The script writes to pipes of this process.
  expect(resources.filter((name) => name !== 'PipeWrap')).toEqual([]);
  expect(rounds.some((bytes) => bytes < MAX_BYTES) || rounds).toBe(true);
});
