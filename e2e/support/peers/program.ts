import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '@tallystick/testing/free_port';
import { until } from '@tallystick/testing/until';

export interface Program {
  readonly url: string;
  stop(): Promise<void>;
}

export interface ProgramOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The signal that ends the program. */
  readonly stopWith: NodeJS.Signals;
}

/**
 * Starts a third-party server and waits until it listens.
 *
 * @param prepare writes the configuration into a new folder
 * @throws {Error} with the output, if the program ends instead
 */
export async function startProgram(
  name: string,
  prepare: (folder: string, port: number) => Promise<ProgramOptions>,
): Promise<Program> {
  const folder = await mkdtemp(path.join(tmpdir(), `tallystick-${name}-`));
  const port = await freePort();
  const { command, args, environment, stopWith } = await prepare(folder, port);
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let written = '';
  child.stderr.on('data', (chunk) => {
    written += chunk;
  });
  const ended = once(child, 'exit');
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}: ${written}`);
    return accepts(port);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      child.kill(stopWith);
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
