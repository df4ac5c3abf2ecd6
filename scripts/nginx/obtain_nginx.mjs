import { existsSync } from 'node:fs';
import { aptInstall } from '../process/apt_install.mjs';
import { findOnPath } from '../process/find_on_path.mjs';
import { StepFailed } from '../process/step_failed.mjs';

/** Where Debian and Ubuntu put NGINX's JavaScript module. */
const JS_MODULE = '/usr/lib/nginx/modules/ngx_http_js_module.so';

/**
 * @typedef {object} Nginx
 * @property {string} binary
 * @property {string} jsModule path of ngx_http_js_module.so
 */

const howToGetIt = 'sudo apt-get install nginx libnginx-mod-http-js';

/**
 * NGINX with its JavaScript module, from the system; in CI also from Debian's packages (elsewhere not: it would begin to
 * serve port 80 there). Its tests are the only ones that can be left out, and then the run says so.
 * @param {AbortSignal} signal
 * @returns {Promise<Nginx | undefined>}
 */
export async function obtainNginx(signal) {
  if (find() === undefined && process.env.CI) await install(signal);
  const nginx = find();
  console.log(
    nginx ? `NGINX: ${nginx.binary}` : `NGINX: NOT FOUND, so the tests against it are left out (${howToGetIt})`,
  );
  return nginx;
}

/** @param {AbortSignal} signal */
async function install(signal) {
  try {
    await aptInstall('NGINX', [['nginx', 'libnginx-mod-http-js']], signal);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.log(error.message);
  }
}

function find() {
  const binary = findOnPath(['nginx']) ?? ['/usr/sbin/nginx'].find((file) => existsSync(file));
  return binary !== undefined && existsSync(JS_MODULE) ? { binary, jsModule: JS_MODULE } : undefined;
}
