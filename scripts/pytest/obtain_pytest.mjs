import { spawnSync } from 'node:child_process';
import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/**
 * A Python with pytest and Requests, for the example in Python.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the interpreter
 */
export function obtainPytest(signal) {
  return obtainOptional({ name: 'pytest', packages: ['python3-pytest', 'python3-requests'], find }, signal);
}

/** The first Python on the path is not always that of the system, which has Debian's packages. */
function find() {
  const candidates = [findOnPath(['python3']), '/usr/bin/python3'];
  return candidates.find((python) => python && spawnSync(python, ['-c', 'import pytest, requests']).status === 0);
}
