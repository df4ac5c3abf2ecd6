import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { root } from '../workspace/root.mjs';
import { expandSchemaTypes } from './expand_schema_types.mjs';
import { stagingFolder } from './published.mjs';

const SILENT = { info() {}, warn() {}, error() {} };

/**
 * Bundles the declarations of a package into one file that needs no other package: those of the workspace and of jose are included,
 * and the types that zod infers are written out.
 *
 * @param {import('./published.mjs').Published} published its declarations must be built
 */
export async function bundleTypes(published) {
  const dist = path.join(root, published.folder, 'dist');
  // Below the package, so that its dependencies are found.
  const folder = path.join(dist, 'declarations');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const bundled = path.join(folder, 'bundled.d.mts');
  writeFileSync(bundled, await bundle(path.join(dist, 'index.d.ts')));
  const expanded = path.join(folder, 'expanded.d.mts');
  writeFileSync(expanded, expandSchemaTypes(bundled));
  // Once more, to leave out what is no longer used.
  const declarations = await bundle(expanded);
  refuseImports(declarations);
  const library = path.join(stagingFolder(published), 'lib');
  writeFileSync(path.join(library, 'index.d.cts'), declarations);
  writeFileSync(path.join(library, 'index.d.mts'), "export * from './index.cjs';\n");
}

/** @param {string} file absolute @returns {Promise<string>} */
async function bundle(file) {
  const build = await rolldown({
    cwd: path.dirname(file),
    input: { index: file },
    platform: 'node',
    external: (id) => /^[^./]/.test(id) && !id.startsWith('@tallystick/') && id !== 'jose',
    resolve: { conditionNames: ['types', 'node', 'import', 'default'] },
    plugins: [dts({ dtsOnly: true, tsconfig: false, generator: 'oxc', logger: SILENT })],
  });
  const { output } = await build.generate({ format: 'es' });
  await build.close();
  return output[0].code;
}

/** @param {string} declarations @throws {Error} a type of another package is public */
function refuseImports(declarations) {
  const imports = declarations.match(/(?<=from ")[^"]+|(?<=import\(")[^"]+/g) ?? [];
  const foreign = imports.filter((name) => !name.startsWith('node:'));
  if (foreign.length > 0) throw new Error(`the public types need ${foreign.join(', ')}`);
}
