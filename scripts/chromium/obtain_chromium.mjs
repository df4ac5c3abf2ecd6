import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/**
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainChromium(signal) {
  const find = () => findOnPath(['chromium', 'chromium-browser', 'google-chrome']);
  return obtainOptional({ name: 'Chromium', packages: ['chromium'], find }, signal);
}
