import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Program, startProgram } from './program.ts';

/** What `npm test` found; without it there is no Caddy here, and it has said so. */
export const caddyIsThere = process.env.CADDY !== undefined;

/** Caddy with the example in `deploy/`, with the addresses of this test. */
export function startCaddy(gateway: string, api: string): Promise<Program> {
  return startProgram('caddy', async (folder, port) => {
    const example = await readFile(new URL('../../../deploy/caddy/Caddyfile', import.meta.url), 'utf8');
    const file = path.join(folder, 'Caddyfile');
    const addressed = example
      .replaceAll('127.0.0.1:4100', new URL(gateway).host)
      .replaceAll('127.0.0.1:4200', new URL(api).host)
      .replace(':8080 {', `:${port} {\n\tbind 127.0.0.1`);
    await writeFile(file, `{\n\tadmin off\n}\n${addressed}`);
    return {
      command: String(process.env.CADDY),
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      environment: { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
      stopWith: 'SIGTERM',
    };
  });
}
