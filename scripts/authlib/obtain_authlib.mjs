import { existsSync } from 'node:fs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/** The Python of the system, which knows Debian's packages; another one on the path does not. */
const PYTHON = '/usr/bin/python3';
const PACKAGES = '/usr/lib/python3/dist-packages';

/**
 * Authlib, an OAuth library for Python, and Requests.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of a Python that has both
 */
export function obtainAuthlib(signal) {
  return obtainOptional({ name: 'Authlib', packages: ['python3-authlib', 'python3-requests'], find }, signal);
}

function find() {
  const has = ['authlib', 'requests'].every((name) => existsSync(`${PACKAGES}/${name}`));
  return has && existsSync(PYTHON) ? PYTHON : undefined;
}
