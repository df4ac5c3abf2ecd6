import { existsSync } from 'node:fs';
import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/** Where Debian and Ubuntu put Apache's OpenID Connect module. */
const MODULE = '/usr/lib/apache2/modules/mod_auth_openidc.so';

/**
 * Apache with mod_auth_openidc. Its package without configuration is enough, and starts no service.
 * @param {AbortSignal} signal
 * @returns {Promise<string | undefined>} path of the binary
 */
export function obtainApache(signal) {
  const packages = ['apache2-bin', 'libapache2-mod-auth-openidc'];
  return obtainOptional({ name: 'Apache with mod_auth_openidc', packages, find }, signal);
}

function find() {
  const binary = findOnPath(['apache2']) ?? ['/usr/sbin/apache2'].find((file) => existsSync(file));
  return existsSync(MODULE) ? binary : undefined;
}
