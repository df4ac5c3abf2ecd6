import { readFileSync } from 'node:fs';
import { findOnPath } from '../process/find_on_path.mjs';
import { withProgress } from '../process/progress.mjs';
import { runCommand } from '../process/run_command.mjs';
import { StepFailed } from '../process/step_failed.mjs';

/** Oldest first: a Debian or Ubuntu without the one has the other. */
const packages = ['redis-server', 'valkey-server'];

/**
 * Installs a Redis server with apt-get where that asks nothing: Debian or Ubuntu, as root or with a passwordless sudo.
 * Debian also starts a service of its own; the tests do not use that one.
 * @param {AbortSignal} signal
 * @returns {Promise<void>} also where it cannot be done
 * @throws {StepFailed} when apt-get was run and failed
 */
export async function installRedisServer(signal) {
  if (!isDebian() || findOnPath(['apt-get']) === undefined) return;
  const asRoot = await rootPrefix(signal);
  if (asRoot === undefined) return;

  const [command, ...prefix] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', '-y'];
  /** @param {string[]} args */
  const aptGet = (args) => runCommand({ command, args: [...prefix, ...args], signal });
  await withProgress('Installing a Redis server (apt-get)', async () => {
    let told = (await aptGet(['update'])).output;
    for (const name of packages) {
      const { code, output } = await aptGet(['install', '--no-install-recommends', name]);
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
