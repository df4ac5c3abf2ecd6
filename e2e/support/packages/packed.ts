import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ROOT } from '../worlds/run_command.ts';

const run = promisify(execFile);

/** Packs the packages that are published, unless they are current. @returns the tarballs */
export async function packedTarballs(): Promise<string[]> {
  const { stdout } = await run(process.execPath, ['scripts/pack.mjs'], { cwd: ROOT });
  return stdout.split('\n').filter((line) => line.endsWith('.tgz'));
}
