import { readFileSync } from 'node:fs';
import { findOnPath } from './find_on_path.mjs';
import { withProgress } from './progress.mjs';
import { runCommand } from './run_command.mjs';
import { StepFailed } from './step_failed.mjs';

/**
 * Installs packages with apt-get where that asks nothing: Debian or Ubuntu, as root or with a passwordless sudo.
 * @param {string} what is installed, as it is told
 * @param {string[][]} alternatives the packages, the preferred ones first
 * @param {AbortSignal} signal
 * @returns {Promise<void>} also where it cannot be done
 * @throws {StepFailed} when apt-get was run and failed
 */
export async function aptInstall(what, alternatives, signal) {
  if (!isDebian() || findOnPath(['apt-get']) === undefined) return;
  const asRoot = await rootPrefix(signal);
  if (asRoot === undefined) return;

  const [command, ...prefix] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y'];
  /** @param {string[]} args */
  const aptGet = (args) => runCommand({ command, args: [...prefix, ...args], signal });
  await withProgress(`Installing ${what} (apt-get)`, async () => {
    let told = (await aptGet(['update'])).output;
    for (const packages of alternatives) {
      const { code, output } = await aptGet(['install', '--no-install-recommends', ...packages]);
      if (code === 0) return;
      told += output;
    }
    throw new StepFailed(told.trimEnd());
  });
}

function isDebian() {
  try {
    return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false; // not a Linux that says what it is
  }
}

/**
 * @param {AbortSignal} signal
 * @returns {Promise<string[] | undefined>} what to put before a command to run it as root without being asked
 */
async function rootPrefix(signal) {
  if (process.getuid?.() === 0) return [];
  const { code } = await runCommand({ command: 'sudo', args: ['-n', 'true'], signal });
  return code === 0 ? ['sudo', '-n'] : undefined;
}
