import { existsSync } from 'node:fs';
import { findOnPath } from '../process/find_on_path.mjs';
import { obtainOptional } from '../process/obtain_optional.mjs';

/** Where Debian and Ubuntu put NGINX's JavaScript module. */
const JS_MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so';

/**
 * NGINX with its JavaScript module. Its package starts a service on port 80, so it is not installed where nobody asked.
 * @param {AbortSignal} signal
 * @returns {Promise<{ binary: string, jsModule: string } | undefined>}
 */
export function obtainNginx(signal) {
  return obtainOptional({ name: 'NGINX', packages: ['nginx', 'libnginx-mod-http-js'], find }, signal);
}

function find() {
  const binary = findOnPath(['nginx']) ?? ['/usr/sbin/nginx'].find((file) => existsSync(file));
  return binary !== undefined && existsSync(JS_MODULE) ? { binary, jsModule: JS_MODULE } : undefined;
}
