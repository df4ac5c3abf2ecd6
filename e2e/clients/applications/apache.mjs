import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const MODULES = '/usr/lib/apache2/modules';
const LOADED = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http', 'auth_openidc'];

/** Runs Apache with mod_auth_openidc and as a proxy, as long as this process. @param {string} config */
export async function runApache(config) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-apache-'));
  const file = path.join(folder, 'apache.conf');
  const log = path.join(folder, 'error.log');
  await writeFile(
    file,
    `ServerName localhost
Listen 127.0.0.1:${process.env.PORT}
DefaultRuntimeDir ${folder}
PidFile ${folder}/pid
ErrorLog ${log}
User www-data
Group www-data
${LOADED.map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`).join('\n')}
${config}`,
  );
  const apache = spawn(String(process.env.APACHE), ['-DFOREGROUND', '-f', file], { stdio: 'inherit' });
  process.on('SIGTERM', () => apache.kill('SIGTERM'));
  const [code] = await once(apache, 'exit');
  if (code) process.stderr.write(await readFile(log, 'utf8').catch(() => ''));
  await rm(folder, { recursive: true });
  process.exit(code ?? 0);
}
