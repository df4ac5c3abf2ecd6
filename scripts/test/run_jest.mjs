import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runCommand } from '../process/run_command.mjs';
import { root } from '../workspace/root.mjs';

/**
 * Runs jest in front of the user's eyes and counts what it ran.
 * @param {string[]} args what the user gave, after our own
 * @param {Record<string, string | undefined>} environment tells the tests what is there for them
 * @param {AbortSignal} signal
 * @returns {Promise<{ code: number, passed: number, failed: number }>}
 */
export async function runJest(args, environment, signal) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tallystick-jest-'));
  const results = path.join(folder, 'results.json');
  try {
    const { code } = await runCommand({
      command: process.execPath,
      args: [
        '--experimental-vm-modules',
        '--no-warnings=ExperimentalWarning',
        path.join(root, 'node_modules/jest/bin/jest.js'),
        '--json',
        `--outputFile=${results}`,
        ...workers(args),
        ...args,
      ],
      env: { ...process.env, ...environment },
      output: 'inherit',
      signal,
    });
    return { code, ...counts(results) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Each worker drives servers and a Redis of its own, so a few are enough, and two are worth it on the smallest machine.
 * @param {string[]} args
 */
function workers(args) {
  if (args.some((arg) => /^(-w|-i|--maxWorkers|--runInBand)/.test(arg))) return [];
  return [`--maxWorkers=${Math.min(4, Math.max(2, os.availableParallelism() - 1))}`];
}

/**
 * A suite that could not run counts as one failure: jest counts only the tests inside it.
 * @param {string} file
 */
function counts(file) {
  if (!existsSync(file)) return { passed: 0, failed: 0 }; // jest ended before it ran any
  const results = JSON.parse(readFileSync(file, 'utf8'));
  return { passed: results.numPassedTests, failed: results.numFailedTests + results.numRuntimeErrorTestSuites };
}
