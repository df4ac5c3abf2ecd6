import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runStep } from '../process/run_step.mjs';
import { contentHash } from './content_hash.mjs';
import { dependenciesHash } from './install.mjs';
import { builtPackageFolders } from './members.mjs';
import { root } from './root.mjs';
import { stamp } from './stamp.mjs';

const tsc = path.join(root, 'node_modules/typescript/bin/tsc');

/**
 * Compiles the packages, not their tests, unless what is built is current.
 * @param {AbortSignal} signal
 */
export async function buildIfNeeded(signal) {
  const wanted = sourcesHash();
  if (isBuilt() && stamp('built').matches(wanted)) return;
  // The package at the top of the house: its references build the others.
  await compile('Building (tsc -b)', ['-b', 'packages/tallystick'], wanted, signal);
}

/**
 * Compiles everything, tests too; the packages are built after it.
 * @param {AbortSignal} signal
 */
export async function typeCheck(signal) {
  await compile('Type check (tsc -b)', ['-b'], sourcesHash(), signal);
}

/**
 * @param {string} title
 * @param {string[]} args
 * @param {string} wanted hash of the sources as they were before the compiler read them
 * @param {AbortSignal} signal
 */
async function compile(title, args, wanted, signal) {
  const built = stamp('built');
  built.clear();
  await runStep(title, { command: process.execPath, args: [tsc, ...args], signal });
  built.write(wanted);
}

/** @returns {string} hash of all that the packages are built from */
export function sourcesHash() {
  const files = builtPackageFolders().flatMap((folder) => [`${folder}/tsconfig.json`, ...sources(`${folder}/src`)]);
  return contentHash(['tsconfig.base.json', ...files], dependenciesHash());
}

/** @param {string} folder relative to the root */
function sources(folder) {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'))
    .map((entry) =>
      path.relative(root, path.join(entry.parentPath ?? entry.path, entry.name)).replaceAll(path.sep, '/'),
    )
    .filter((file) => !file.startsWith(`${folder}/testing/`));
}

function isBuilt() {
  return builtPackageFolders().every((folder) => existsSync(path.join(root, folder, 'dist/index.js')));
}
