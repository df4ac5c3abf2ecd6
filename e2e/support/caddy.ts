import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from './free_port.ts';
import { until } from './until.ts';

export interface Caddy {
  readonly url: string;
  stop(): Promise<void>;
}

/** What `npm test` found; without it there is no Caddy here, and it has said so. */
export const caddyIsThere = process.env.CADDY !== undefined;

/** Caddy with the example in `deploy/`, with the addresses of this test. */
export async function startCaddy(gateway: string, api: string): Promise<Caddy> {
  const folder = await mkdtemp(path.join(tmpdir(), 'tallystick-caddy-'));
  const port = await freePort();
  const example = await readFile(new URL('../../deploy/caddy/Caddyfile', import.meta.url), 'utf8');
  const file = path.join(folder, 'Caddyfile');
  await writeFile(
    file,
    `{\n\tadmin off\n}\n${example
      .replace('127.0.0.1:4100', new URL(gateway).host)
      .replace('127.0.0.1:4200', new URL(api).host)
      .replace(':8080', `http://127.0.0.1:${port}`)}`,
  );
  const child = spawn(String(process.env.CADDY), ['run', '--config', file, '--adapter', 'caddyfile'], {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
  const ended = once(child, 'exit');
  const url = `http://127.0.0.1:${port}`;
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`Caddy ended with ${child.exitCode}`);
    return fetch(url).then(
      () => true,
      () => false,
    );
  });
  return {
    url,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
