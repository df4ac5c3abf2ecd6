import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { root } from '../workspace/root.mjs';
import { keepGlobals } from './keep_globals.mjs';
import { readManifest, stagingFolder } from './published.mjs';

/**
 * Bundles a package with everything it depends on, as CommonJS. Code that is imported dynamically becomes a file of its own, which is
 * loaded when it is needed. The ES module is a wrapper, so that a process which uses both has one instance.
 *
 * @param {import('./published.mjs').Published} published
 * @returns {Promise<string[]>} the bundled source files, absolute
 */
export async function bundleCode(published) {
  const { folder, entries } = published;
  const external = Object.keys(readManifest(folder).peerDependencies ?? {});
  const build = await rolldown({
    cwd: path.join(root, folder),
    input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `./${file}`])),
    platform: 'node',
    external,
    resolve: { conditionNames: ['@tallystick/source', 'node', 'import', 'default'] },
    plugins: [keepGlobals()],
    onLog: failOnWarnings,
  });
  const library = path.join(stagingFolder(published), 'lib');
  const { output } = await build.write({
    dir: library,
    format: 'cjs',
    entryFileNames: '[name].cjs',
    chunkFileNames: '[name].cjs',
    // Jest without flags cannot run import().
    dynamicImportInCjs: false,
    comments: { legal: true, annotation: false, jsdoc: false },
  });
  await build.close();
  const chunks = output.filter((file) => file.type === 'chunk');
  const index = chunks.find((chunk) => chunk.isEntry && chunk.name === 'index');
  writeFileSync(path.join(library, 'index.mjs'), wrapper(index.exports));
  return [...new Set(chunks.flatMap((chunk) => chunk.moduleIds))].filter((id) => path.isAbsolute(id));
}

/** @param {string[]} names */
function wrapper(names) {
  return `import library from './index.cjs';\n\nexport const { ${names.join(', ')} } = library;\n`;
}

/**
 * @param {string} level
 * @param {{ code?: string, id?: string, message: string }} log
 */
function failOnWarnings(level, log) {
  if (level !== 'warn') return;
  // depd names its wrappers with eval, and only if something calls a deprecated function.
  if (log.code === 'EVAL' && log.id?.includes('/depd/')) return;
  throw new Error(log.message);
}
