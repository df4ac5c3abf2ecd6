import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { ROOT } from '../worlds/run_command.ts';

export interface GitHubFile {
  /** `action.yml`, or a path below `.github/workflows`. */
  readonly name: string;
  readonly text: string;
}

/**
 * Validates workflows and actions with GitHub's own language service.
 *
 * @returns what is wrong
 */
export async function findGitHubProblems(files: readonly GitHubFile[]): Promise<string[]> {
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  try {
    // It imports JSON as only bundlers do.
    const outfile = path.join(folder, 'validate.mjs');
    await build({
      entryPoints: [path.join(ROOT, 'e2e/support/ci/validate_github.mjs')],
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile,
      logLevel: 'error',
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile, JSON.stringify(files)]);
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Checks a `.gitlab-ci.yml` with the schema of GitLab. @returns exit code and output of gitlab-ci-local */
export async function checkGitLab(text: string): Promise<{ readonly code: number; readonly output: string }> {
  const folder = await mkdtemp(path.join(ROOT, 'e2e/example-'));
  const run = promisify(execFile);
  try {
    await writeFile(path.join(folder, '.gitlab-ci.yml'), text);
    await run('git', ['init', '--quiet', '--initial-branch', 'main'], { cwd: folder });
    await run('git', ['remote', 'add', 'origin', 'git@gitlab.example.com:example/example.git'], { cwd: folder });
    const main = path.join(ROOT, 'e2e/node_modules/gitlab-ci-local/src/index.js');
    const { stdout, stderr } = await run(process.execPath, [main, '--list'], { cwd: folder });
    return { code: 0, output: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, output: stdout + stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}
