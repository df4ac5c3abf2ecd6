import { spawn } from 'node:child_process';
import { once } from 'node:events';

export const ROOT = new URL('../../..', import.meta.url).pathname;
export const MAIN = new URL('../../../packages/tallystick/dist/main.js', import.meta.url).pathname;

export interface RunningCommand {
  /** The output so far, from stdout and stderr. */
  output(): string;
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>;
}

export function runCommand(
  command: string,
  args: readonly string[],
  options: { cwd?: string; environment?: Record<string, string> } = {},
): RunningCommand {
  const child = spawn(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => chunks.push(String(chunk)));
  return {
    output: () => chunks.join(''),
    signal: (name) => void child.kill(name),
    exit: once(child, 'close').then(([code]) => code as number | null),
  };
}
