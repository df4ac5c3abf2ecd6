/** What is copied from the manifest of the workspace. */
const COPIED = ['name', 'version', 'description', 'keywords', 'license', 'homepage', 'bugs', 'repository', 'engines'];

/**
 * Creates the manifest that is published. It has no dependencies: the code is bundled. It names no file that is not shipped.
 *
 * @param {Record<string, unknown>} manifest of the workspace
 */
export function publishManifest(manifest) {
  const { bin, exports, peerDependencies, peerDependenciesMeta } = manifest;
  return {
    ...Object.fromEntries(COPIED.filter((key) => key in manifest).map((key) => [key, manifest[key]])),
    type: 'commonjs',
    main: './lib/index.cjs',
    types: './lib/index.d.cts',
    exports: {
      '.': {
        import: { types: './lib/index.d.mts', default: './lib/index.mjs' },
        require: { types: './lib/index.d.cts', default: './lib/index.cjs' },
      },
      // Files that are shipped as they are, such as a schema.
      ...Object.fromEntries(Object.entries(exports).filter(([, target]) => typeof target === 'string')),
    },
    ...(bin && { bin: Object.fromEntries(Object.keys(bin).map((name) => [name, 'lib/main.cjs'])) }),
    files: ['lib', 'CHANGELOG.md', 'THIRD-PARTY-NOTICES.txt', ...extraFiles(manifest)],
    ...(peerDependencies && { peerDependencies, peerDependenciesMeta }),
  };
}

/** @returns {string[]} the files that are shipped as they are */
export function extraFiles({ files }) {
  return files.filter((name) => name !== 'dist');
}
