import { spawn } from 'node:child_process';
import { root } from '../workspace/root.mjs';

const killAfterMilliseconds = 10_000;

/**
 * @typedef {object} Command
 * @property {string} command
 * @property {string[]} args
 * @property {NodeJS.ProcessEnv} [env] the whole environment; this process's own by default
 * @property {boolean} [shell] for Windows, where npx is a batch file
 * @property {'capture' | 'inherit'} [output] captured by default
 * @property {AbortSignal} [signal] stops the command and all that it started
 */

/**
 * Runs a command to its end, in the workspace root.
 * @param {Command} command
 * @returns {Promise<{ code: number, output: string }>} 127 when there is no such command; output of both streams if captured
 * @throws the signal's reason when it was aborted, after the command has ended
 */
export async function runCommand({ command, args, env = process.env, shell = false, output = 'capture', signal }) {
  signal?.throwIfAborted();
  const child = spawn(command, args, {
    cwd: root,
    env,
    shell,
    stdio: output === 'capture' ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    // A process group of its own: the terminal's Ctrl-C reaches only us, and we stop the whole group, once.
    detached: process.platform !== 'win32',
  });
  /** @type {Buffer[]} */
  const chunks = [];
  child.stdout?.on('data', (chunk) => chunks.push(chunk));
  child.stderr?.on('data', (chunk) => chunks.push(chunk));

  const stop = () => stopGroup(child);
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const code = await ended(child);
    signal?.throwIfAborted();
    return { code, output: Buffer.concat(chunks).toString() };
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** @param {import('node:child_process').ChildProcess} child */
function ended(child) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => (error.code === 'ENOENT' ? resolve(127) : reject(error)));
    child.once('close', (code) => resolve(code ?? 1));
  });
}

/** @param {import('node:child_process').ChildProcess} child */
function stopGroup(child) {
  signalGroup(child, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), killAfterMilliseconds);
  child.once('close', () => clearTimeout(timer));
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} name
 */
function signalGroup(child, name) {
  if (child.pid === undefined) return;
  if (process.platform === 'win32') {
    child.kill(name);
    return;
  }
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error; // already gone
  }
}
