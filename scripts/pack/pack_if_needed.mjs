import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { withProgress } from '../process/progress.mjs';
import { runStep } from '../process/run_step.mjs';
import { withLock } from '../process/with_lock.mjs';
import { buildIfNeeded, sourcesHash } from '../workspace/build.mjs';
import { contentHash } from '../workspace/content_hash.mjs';
import { root } from '../workspace/root.mjs';
import { stamp } from '../workspace/stamp.mjs';
import { extraFiles } from './publish_manifest.mjs';
import { PUBLISHED, readManifest, stagingFolder } from './published.mjs';

/**
 * Packs the packages that are published, unless the tarballs are current.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<string[]>} the tarballs, absolute
 */
export function packIfNeeded(signal) {
  return withLock('packing', () => pack(signal));
}

/** @param {AbortSignal} signal */
async function pack(signal) {
  await buildIfNeeded(signal);
  const wanted = packedHash();
  const packed = stamp('packed');
  const tarballs = PUBLISHED.map(tarballOf);
  if (packed.matches(wanted) && tarballs.every((file) => existsSync(file))) return tarballs;
  packed.clear();
  await withProgress('Packing', async () => {
    // Loaded only here: rolldown is not installed before the first install.
    const { stage } = await import('./stage.mjs');
    for (const published of PUBLISHED) await stage(published);
  });
  for (const published of PUBLISHED) {
    const args = ['pack', '--ignore-scripts', '--pack-destination', path.join(root, 'dist'), stagingFolder(published)];
    await runStep(`npm pack (${path.basename(published.folder)})`, {
      command: 'npm',
      args,
      shell: process.platform === 'win32',
      signal,
    });
  }
  packed.write(wanted);
  return tarballs;
}

/** @param {import('./published.mjs').Published} published */
function tarballOf({ folder }) {
  const { name, version } = readManifest(folder);
  return path.join(root, 'dist', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`);
}

/** @param {string} folder @returns {string[]} what is shipped as it is, and the manifest */
function ownFiles(folder) {
  const names = ['package.json', 'README.npm.md', ...extraFiles(readManifest(folder))];
  return names.map((name) => `${folder}/${name}`);
}

/** Hash of everything that the tarballs are made of. */
function packedHash() {
  const scripts = readdirSync(path.join(root, 'scripts/pack')).map((name) => `scripts/pack/${name}`);
  const texts = ['LICENSE', 'CHANGELOG.md', ...PUBLISHED.flatMap(({ folder }) => ownFiles(folder))];
  return contentHash([...scripts, ...texts], sourcesHash());
}
