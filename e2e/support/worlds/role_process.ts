import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { DEMO_CONFIG } from './world.ts';

const MAIN = new URL('../../../packages/tallystick/dist/main.js', import.meta.url).pathname;

export interface RoleProcess {
  readonly url: string;
  /** URL of the control API of an authorization server, if the environment enables it. */
  readonly controlUrl?: string;
  /** Stops it as an operator does (SIGTERM). @returns the exit code */
  stop(): Promise<number | null>;
  /** Kills it (SIGKILL). */
  kill(): Promise<void>;
}

/** Runs the built command for one role in its own process, on a free port. */
export async function startRole(
  role: 'authorization-server' | 'gateway' | 'sample-api',
  environment: Readonly<Record<string, string>>,
  log: (text: string) => void,
  config = DEMO_CONFIG,
  args: readonly string[] = [],
): Promise<RoleProcess> {
  const child = spawn(process.execPath, [MAIN, role, '--config', config, ...args], {
    env: { PATH: process.env.PATH, TALLYSTICK_LOG_LEVEL: 'debug', TALLYSTICK_HOST: '127.0.0.1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  let complaint = '';
  child.stderr.on('data', (chunk) => {
    complaint = `${complaint}${chunk}`.slice(-2000);
    log(String(chunk));
  });
  let controlPort: string | undefined;
  const port = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      log(`${line}\n`);
      controlPort ??= /^control API on port (\d+)/.exec(line)?.[1];
      const [, found] = /listening on port (\d+)/.exec(line) ?? [];
      if (found) resolve(found);
    });
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code} before it listened: ${complaint}`)));
  });
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  };
  return {
    url: `http://127.0.0.1:${port}`,
    ...(controlPort !== undefined && { controlUrl: `http://127.0.0.1:${controlPort}` }),
    stop: () => end('SIGTERM'),
    kill: async () => void (await end('SIGKILL')),
  };
}
