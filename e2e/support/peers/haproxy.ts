import { lookup } from 'node:dns/promises';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Program, startProgram } from './program.ts';

/** The program that `npm test` found. Without one, these tests are skipped, and `npm test` has reported that. */
export const haproxyIsThere = process.env.HAPROXY !== undefined;

const example = (file: string) => readFile(new URL(`../../../deploy/haproxy/${file}`, import.meta.url), 'utf8');

/** Starts HAProxy with the example in `deploy/` and the addresses of this test. */
export function startHaproxy(gateway: string, api: string): Promise<Program> {
  return startProgram('haproxy', async (folder, port) => {
    const files = { config: path.join(folder, 'haproxy.cfg'), script: path.join(folder, 'tallystick.lua') };
    const gatewayAddress = await addressOf(gateway);
    const config = (await example('haproxy.cfg'))
      .replace('/etc/haproxy/tallystick.lua', files.script)
      .replace('127.0.0.1:4100', gatewayAddress)
      .replace('127.0.0.1:4200', new URL(api).host)
      .replace('bind :8080', `bind 127.0.0.1:${port}`);
    await writeFile(files.config, config);
    await writeFile(files.script, (await example('tallystick.lua')).replace('127.0.0.1:4100', gatewayAddress));
    return { command: String(process.env.HAPROXY), args: ['-f', files.config], stopWith: 'SIGTERM' };
  });
}

/** An IP address, because HAProxy would resolve a name by DNS. */
async function addressOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''));
  return `${family === 6 ? `[${address}]` : address}:${port}`;
}
