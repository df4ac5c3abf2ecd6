import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Program, startProgram } from './program.ts';

/** The program that `npm test` found. Without one, these tests are skipped, and `npm test` has reported that. */
export const caddyIsThere = process.env.CADDY !== undefined;

/** Starts Caddy with the example in `deploy/` and the addresses of this test. */
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
