import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../process/run_command.mjs';
import { StepFailed } from '../process/step_failed.mjs';
import { memberFolders } from '../workspace/members.mjs';
import { root } from '../workspace/root.mjs';

/**
 * Changes the version of every package, makes the section "Unreleased" of the changelog that of the version, commits, and tags the
 * commit.
 *
 * @param {string} version `major.minor.patch`, with an optional pre-release
 * @param {AbortSignal} signal
 */
export async function prepareRelease(version, signal) {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
    throw new StepFailed('usage: npm run release -- VERSION, such as 0.2.0, or npm run release -- publish', 2);
  if ((await git(signal, 'status', '--porcelain')) !== '')
    throw new StepFailed('Commit or remove your changes first.', 1);
  const changelog = released(readFileSync(path.join(root, 'CHANGELOG.md'), 'utf8'), version);

  for (const folder of ['.', ...memberFolders()]) setVersion(path.join(root, folder, 'package.json'), version);
  writeFileSync(path.join(root, 'CHANGELOG.md'), changelog);
  await git(signal, 'commit', '--all', '--message', `Release ${version}`);
  await git(signal, 'tag', '--annotate', '--message', `Release ${version}`, `v${version}`);
  console.log(`Committed and tagged v${version}. Run npm test, then publish it with: git push --follow-tags`);
}

/**
 * @param {string} changelog
 * @param {string} version
 */
function released(changelog, version) {
  const [, changes = ''] = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog) ?? [];
  if (changes.trim() === '') throw new StepFailed('CHANGELOG.md has nothing below "## Unreleased".', 1);
  const today = new Date().toISOString().slice(0, 10);
  return changelog.replace('## Unreleased\n', `## Unreleased\n\n## ${version} (${today})\n`);
}

/**
 * @param {string} file
 * @param {string} version
 */
function setVersion(file, version) {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^( {2}"version": ")[^"]*/m, `$1${version}`));
}

/**
 * @param {AbortSignal} signal
 * @param {string[]} args
 */
async function git(signal, ...args) {
  const { code, output } = await runCommand({ command: 'git', args, signal });
  if (code !== 0) throw new StepFailed(`git ${args[0]}: ${output}`, code);
  return output.trim();
}
