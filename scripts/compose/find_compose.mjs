import { existsSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../process/run_command.mjs';
import { StepFailed } from '../process/step_failed.mjs';
import { root } from '../workspace/root.mjs';

/**
 * @typedef {object} Compose
 * @property {string} command
 * @property {string[]} prefix what goes before every argument
 */

/**
 * The program that can run docker-compose.yml here. A client without an engine cannot.
 * @param {AbortSignal} signal
 * @returns {Promise<Compose>}
 * @throws {StepFailed} saying what to install
 */
export async function findCompose(signal) {
  /** @param {string[]} words */
  const works = async ([command, ...args]) => (await runCommand({ command, args, signal })).code === 0;

  if ((await works(['docker', 'info'])) && (await works(['docker', 'compose', 'version']))) {
    return { command: 'docker', prefix: ['compose'] };
  }
  if ((await works(['podman', 'info'])) && (await works(['podman-compose', '--version']))) {
    return { command: 'podman-compose', prefix: [] };
  }
  throw new StepFailed(howToGetOne());
}

function howToGetOne() {
  const lines = [
    'The check needs containers, and neither docker compose (with a running engine) nor podman-compose works here.',
    'Install Docker, or podman and podman-compose (Debian, Ubuntu: sudo apt-get install podman podman-compose).',
  ];
  const baseImages = '../shared/tools/container-base-images';
  if (existsSync(path.join(root, baseImages))) {
    lines.push(`Here, ${baseImages} node:24-bookworm-slim redis:7-bookworm installs podman and makes the base images.`);
  }
  return lines.join('\n');
}
