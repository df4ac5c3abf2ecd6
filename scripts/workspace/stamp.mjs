import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './root.mjs';

const folder = path.join(root, 'node_modules/.tallystick');

/**
 * Remembers what a step last succeeded on. It lives in node_modules, so that whoever removes that removes it too.
 * @param {'installed' | 'built' | 'packed'} name
 */
export function stamp(name) {
  const file = path.join(folder, name);
  return {
    /** @param {string} value */
    matches(value) {
      try {
        return readFileSync(file, 'utf8') === value;
      } catch (error) {
        if (error.code === 'ENOENT') return false;
        throw error;
      }
    },
    /** @param {string} value */
    write(value) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, value);
    },
    clear() {
      rmSync(file, { force: true });
    },
  };
}
