import { existsSync } from 'node:fs';
import { aptInstall } from '../process/apt_install.mjs';
import { findOnPath } from '../process/find_on_path.mjs';

/** Where Debian and Ubuntu put NGINX's JavaScript module. */
const JS_MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so';

/**
 * @typedef {object} Nginx
 * @property {string} binary
 * @property {string} jsModule path of ngx_http_js_module.so
 */

/**
 * NGINX with its JavaScript module, from the system or from Debian's packages. Its tests are the only ones that can be
 * left out, and then the run says so.
 * @param {AbortSignal} signal
 * @returns {Promise<Nginx | undefined>}
 */
export async function obtainNginx(signal) {
  if (find() === undefined)
    await aptInstall(
      'NGINX',
      [
        ['nginx-light', 'libnginx-mod-http-js'],
        ['nginx', 'libnginx-mod-http-js'],
      ],
      signal,
    );
  const nginx = find();
  console.log(
    nginx
      ? `NGINX: ${nginx.binary}`
      : 'NGINX: NOT FOUND; the tests against it are left out. On Debian or Ubuntu: sudo apt-get install nginx libnginx-mod-http-js',
  );
  return nginx;
}

function find() {
  const binary = findOnPath(['nginx']) ?? ['/usr/sbin/nginx'].find((file) => existsSync(file));
  return binary !== undefined && existsSync(JS_MODULE) ? { binary, jsModule: JS_MODULE } : undefined;
}
