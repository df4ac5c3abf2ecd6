import { aptInstall } from '../process/apt_install.mjs';
import { findOnPath } from '../process/find_on_path.mjs';
import { StepFailed } from '../process/step_failed.mjs';

const howToGetIt = 'sudo apt-get install chromium';

/**
 * A Chromium, from the system; in CI also from Debian's packages. Elsewhere its tests are left out where there is none, and
 * then the run says so.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export async function obtainChromium(signal) {
  if (find() === undefined && process.env.CI) await install(signal);
  const chromium = find();
  console.log(
    chromium ? `Chromium: ${chromium}` : `Chromium: NOT FOUND, so the tests in a browser are left out (${howToGetIt})`,
  );
  return chromium;
}

/** @param {AbortSignal} signal */
async function install(signal) {
  try {
    await aptInstall('Chromium', [['chromium']], signal);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.log(error.message);
  }
}

function find() {
  return findOnPath(['chromium', 'chromium-browser', 'google-chrome']);
}
