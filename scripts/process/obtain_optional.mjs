import { aptInstall } from './apt_install.mjs';
import { StepFailed } from './step_failed.mjs';

/**
 * Something from the system that some tests are with. In CI it is installed from Debian's packages; elsewhere its tests are
 * left out where it is not there, and then the run says so.
 * @template Found
 * @param {{ name: string, packages: string[], find: () => Found | undefined }} what
 * @param {AbortSignal} signal
 * @returns {Promise<Found | undefined>}
 */
export async function obtainOptional({ name, packages, find }, signal) {
  if (find() === undefined && process.env.CI) await install(name, packages, signal);
  const found = find();
  console.log(
    found === undefined
      ? `${name}: NOT FOUND, so the tests with it are left out (sudo apt-get install ${packages.join(' ')})`
      : `${name}: found`,
  );
  return found;
}

/**
 * @param {string} name
 * @param {string[]} packages
 * @param {AbortSignal} signal
 */
async function install(name, packages, signal) {
  try {
    await aptInstall(name, [packages], signal);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.log(error.message);
  }
}
