import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './root.mjs';

/**
 * One hash over names and contents, so that an edit, a rename and a removal all change it.
 * @param {string[]} files relative to the workspace root, in any order
 * @param {string} [salt] what else the result depends on
 * @returns {string} SHA-256, hexadecimal
 */
export function contentHash(files, salt = '') {
  const hash = createHash('sha256').update(salt);
  for (const file of [...files].sort()) {
    const content = readFileSync(path.join(root, file));
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}
