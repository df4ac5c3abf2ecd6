import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root folder of the workspace, absolute. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** @returns {{ version: string, engines: { node: string }, packageManager: string }} the root package.json */
export function rootManifest() {
  return JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
}
