import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { runStep } from '../process/run_step.mjs';
import { contentHash } from './content_hash.mjs';
import { memberFolders } from './members.mjs';
import { root, rootManifest } from './root.mjs';
import { stamp } from './stamp.mjs';

/**
 * Installs the dependencies with the pnpm that package.json names, unless what is installed is current.
 * @param {AbortSignal} signal
 */
export async function installIfNeeded(signal) {
  const wanted = dependenciesHash();
  const installed = stamp('installed');
  if (hasNodeModules() && installed.matches(wanted)) return;

  const pnpm = rootManifest().packageManager;
  installed.clear();
  await runStep(`Installing dependencies (${pnpm})`, {
    command: 'npx',
    // npx runs the very version that is pinned: pnpm need not record itself in the lockfile, nor fetch itself.
    args: ['--yes', pnpm, 'install', '--frozen-lockfile'],
    // CI: pnpm asks before it replaces a node_modules that it did not make. NODE_ENV=production would leave the tools out.
    env: { ...process.env, CI: 'true', NODE_ENV: 'development' },
    shell: process.platform === 'win32',
    signal,
  });
  installed.write(wanted);
}

/** What the installed dependencies depend on: the lockfile, every manifest, and the platform (native binaries). */
export function dependenciesHash() {
  const manifests = memberFolders().map((folder) => `${folder}/package.json`);
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests];
  return contentHash(files, `${process.platform}-${process.arch}`);
}

function hasNodeModules() {
  return ['.', ...memberFolders().filter(hasDependencies)].every((folder) =>
    existsSync(path.join(root, folder, 'node_modules')),
  );
}

/**
 * pnpm makes no `node_modules` for a package without dependencies.
 * @param {string} folder
 */
function hasDependencies(folder) {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
  return dependencies !== undefined || devDependencies !== undefined;
}
