import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './root.mjs';

/** @returns {string[]} the packages' folders, relative to the root */
function packageFolders() {
  return readdirSync(path.join(root, 'packages'))
    .map((name) => `packages/${name}`)
    .filter(hasManifest);
}

/** @returns {string[]} those that are built: what only tests import runs from its source */
export function builtPackageFolders() {
  return packageFolders().filter((folder) => existsSync(path.join(root, folder, 'tsconfig.json')));
}

/** @returns {string[]} every folder that pnpm-workspace.yaml makes a member */
export function memberFolders() {
  return [...packageFolders(), 'e2e'].filter(hasManifest);
}

/** @param {string} folder */
function hasManifest(folder) {
  return existsSync(path.join(root, folder, 'package.json'));
}
