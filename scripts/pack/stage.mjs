import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../workspace/root.mjs';
import { bundleCode } from './bundle_code.mjs';
import { bundleTypes } from './bundle_types.mjs';
import { extraFiles, publishManifest } from './publish_manifest.mjs';
import { readManifest, stagingFolder } from './published.mjs';
import { thirdPartyNotices } from './third_party_notices.mjs';

/**
 * Creates the folder of a package exactly as it is published.
 *
 * @param {import('./published.mjs').Published} published its declarations must be built
 */
export async function stage(published) {
  const { folder } = published;
  const staging = stagingFolder(published);
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(path.join(staging, 'lib'), { recursive: true });
  const bundled = await bundleCode(published);
  await bundleTypes(published);
  writeFileSync(path.join(staging, 'THIRD-PARTY-NOTICES.txt'), thirdPartyNotices(bundled));
  const manifest = readManifest(folder);
  writeFileSync(path.join(staging, 'package.json'), `${JSON.stringify(publishManifest(manifest), undefined, 2)}\n`);
  for (const name of extraFiles(manifest)) copyFileSync(path.join(root, folder, name), path.join(staging, name));
  copyFileSync(path.join(root, 'LICENSE'), path.join(staging, 'LICENSE'));
  copyFileSync(path.join(root, 'CHANGELOG.md'), path.join(staging, 'CHANGELOG.md'));
  copyFileSync(path.join(root, folder, 'README.npm.md'), path.join(staging, 'README.md'));
}
