import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StepFailed } from '../process/step_failed.mjs';
import { ping } from './ping.mjs';

const attempts = 3;
const readyWithinMilliseconds = 10_000;
const stopWithinMilliseconds = 5_000;

/**
 * Starts a Redis that leaves nothing behind: a free port on the loopback address, its own folder, no persistence.
 * @param {string} server path of redis-server or valkey-server
 * @param {AbortSignal} signal
 * @returns {Promise<{ url: string, stop(): Promise<void> }>}
 */
export async function startRedis(server, signal) {
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    try {
      return await startOnce(server, signal);
    } catch {
      signal.throwIfAborted(); // else someone may have taken the free port before the server did: try another
    }
  }
  return await startOnce(server, signal);
}

/**
 * @param {string} server
 * @param {AbortSignal} signal
 */
async function startOnce(server, signal) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tallystick-redis-'));
  const log = path.join(folder, 'redis.log');
  const port = await freePort();
  const child = spawn(
    server,
    ['--bind', '127.0.0.1', '--port', `${port}`, '--dir', folder, '--logfile', log, '--save', '', '--appendonly', 'no'],
    // Out of reach of the terminal's Ctrl-C: it is stopped after the tests, not under them.
    { stdio: 'ignore', detached: true },
  );
  const closed = once(child, 'close').catch(() => undefined); // a server that cannot run shows as never ready

  const clean = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', clean);
  const stop = async () => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMilliseconds);
    await closed;
    clearTimeout(timer);
    process.off('exit', clean);
    clean();
  };

  const url = `redis://127.0.0.1:${port}`;
  try {
    await ready(new URL(url), child, signal);
  } catch (error) {
    const told = `${server} did not start: ${error.message}\n${readLog(log)}`;
    await stop();
    throw new StepFailed(told.trimEnd());
  }
  return { url, stop };
}

/**
 * @param {URL} url
 * @param {import('node:child_process').ChildProcess} child
 * @param {AbortSignal} signal
 */
async function ready(url, child, signal) {
  const deadline = performance.now() + readyWithinMilliseconds;
  for (;;) {
    signal.throwIfAborted();
    if (child.pid === undefined) throw new Error('it cannot be run');
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended');
    try {
      await ping(url);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(20);
  }
}

/** @param {string} file */
function readLog(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // it ended before it wrote one
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  server.close();
  await once(server, 'close');
  return port;
}
