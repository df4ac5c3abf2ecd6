import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { root } from '../workspace/root.mjs';

const interval = 100;

/**
 * Runs `work` in one process of this workspace at a time.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(name, work) {
  const file = path.join(root, `node_modules/.tallystick/${name}.lock`);
  mkdirSync(path.dirname(file), { recursive: true });
  while (!take(file)) await setTimeout(interval);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

/** @param {string} file */
function take(file) {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (!isHeld(file)) rmSync(file, { force: true });
    return false;
  }
}

/** Whether the process that took the lock still runs. @param {string} file */
function isHeld(file) {
  try {
    const owner = Number(readFileSync(file, 'utf8'));
    // It is empty for a moment after it was made.
    if (owner !== 0) process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}
