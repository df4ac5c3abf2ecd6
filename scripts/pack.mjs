// npm run pack: builds the packages as they are published (dist/tallystick, dist/resource-server), and their tarballs beside them.
// Prints the names of the tarballs. It does nothing if they are current.
import { packIfNeeded } from './pack/pack_if_needed.mjs';
import { untilInterrupted } from './process/until_interrupted.mjs';
import { installIfNeeded } from './workspace/install.mjs';
import { requireNode } from './workspace/require_node.mjs';

requireNode();

await untilInterrupted(async (signal) => {
  await installIfNeeded(signal);
  for (const tarball of await packIfNeeded(signal)) console.log(tarball);
});
