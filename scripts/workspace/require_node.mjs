import { rootManifest } from './root.mjs';

/** Ends the process with one line when this Node.js is older than package.json's `engines.node` (`>=major.minor.patch`). */
export function requireNode() {
  const minimum = rootManifest().engines.node.replace('>=', '');
  if (isAtLeast(process.versions.node, minimum)) return;
  console.error(
    `Tallystick needs Node.js ${minimum} or newer; this is ${process.versions.node} (${process.execPath}).`,
  );
  process.exit(1);
}

/**
 * @param {string} version
 * @param {string} minimum
 */
function isAtLeast(version, minimum) {
  const [have, need] = [version, minimum].map((text) => text.split('.').map(Number));
  const differs = need.findIndex((part, index) => part !== have[index]);
  return differs === -1 || have[differs] > need[differs];
}
