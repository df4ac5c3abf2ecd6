import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/**
 * promtool, which checks the rules of Prometheus.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainPromtool(signal) {
  return obtainOptional({ name: 'promtool', packages: ['prometheus'], find: () => findOnPath(['promtool']) }, signal);
}
