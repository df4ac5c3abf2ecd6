// npm start: installs and builds what is not current, then runs everything in this process.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { untilInterrupted } from './process/until_interrupted.mjs';
import { buildIfNeeded } from './workspace/build.mjs';
import { installIfNeeded } from './workspace/install.mjs';
import { requireNode } from './workspace/require_node.mjs';
import { root } from './workspace/root.mjs';

requireNode();

const ready = await untilInterrupted(async (signal) => {
  await installIfNeeded(signal);
  await buildIfNeeded(signal);
});

if (ready) {
  const main = path.join(root, 'packages/tallystick/dist/main.js');
  process.chdir(root);
  process.argv = [process.execPath, main, 'start', ...process.argv.slice(2)];
  await import(pathToFileURL(main).href);
}
