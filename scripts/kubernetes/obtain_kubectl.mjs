import { spawnSync } from 'node:child_process';
import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/** Kustomize 5 understands what `deploy/kubernetes` uses. Debian 12 has a kubectl with Kustomize 2. */
const OLDEST_KUSTOMIZE = 5;

/**
 * kubectl, which renders Kubernetes manifests with its Kustomize. No cluster is needed for that.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainKubectl(signal) {
  return obtainOptional({ name: 'kubectl with Kustomize 5', packages: ['kubernetes-client'], find }, signal);
}

function find() {
  const kubectl = findOnPath(['kubectl']);
  if (kubectl === undefined) return undefined;
  const { stdout } = spawnSync(kubectl, ['version', '--client'], { encoding: 'utf8' });
  const [, major] = /^Kustomize Version: v(\d+)/m.exec(stdout ?? '') ?? [];
  return Number(major) >= OLDEST_KUSTOMIZE ? kubectl : undefined;
}
