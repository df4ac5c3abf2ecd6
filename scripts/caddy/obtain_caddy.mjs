import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/**
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainCaddy(signal) {
  return obtainOptional({ name: 'Caddy', packages: ['caddy'], find: () => findOnPath(['caddy']) }, signal);
}
