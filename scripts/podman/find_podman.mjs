import { spawnSync } from 'node:child_process';
import { findOnPath } from '../process/find_on_path.mjs';

/**
 * Podman, which runs containers without a daemon. It is not installed for the tests: whether containers can run is a matter of the machine.
 * @returns {string | undefined} path of the binary
 */
export function findPodman() {
  const podman = findOnPath(['podman']);
  const works = podman !== undefined && spawnSync(podman, ['info'], { timeout: 30_000 }).status === 0;
  console.log(works ? 'Podman: found' : 'Podman: NOT FOUND, so the tests with containers are left out');
  return works ? podman : undefined;
}
