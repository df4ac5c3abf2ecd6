import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/root.mjs';

/**
 * A package that is published.
 * @typedef {object} Published
 * @property {string} folder relative to the root
 * @property {Record<string, string>} entries source files by the name of their output
 */

/** @type {readonly Published[]} */
export const PUBLISHED = [
  { folder: 'packages/tallystick', entries: { index: 'src/index.ts', main: 'src/main.ts' } },
  { folder: 'packages/resource-server', entries: { index: 'src/index.ts' } },
];

/** @param {string} folder relative to the root */
export function readManifest(folder) {
  return JSON.parse(readFileSync(path.join(root, folder, 'package.json'), 'utf8'));
}

/** @param {Published} published @returns {string} the folder whose content is published, absolute */
export function stagingFolder({ folder }) {
  return path.join(root, 'dist', path.basename(folder));
}
