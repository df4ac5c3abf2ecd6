import { existsSync } from 'node:fs';
import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/**
 * HAProxy, which Debian builds with Lua.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainHaproxy(signal) {
  return obtainOptional({ name: 'HAProxy', packages: ['haproxy'], find }, signal);
}

function find() {
  return findOnPath(['haproxy']) ?? ['/usr/sbin/haproxy'].find((file) => existsSync(file));
}
