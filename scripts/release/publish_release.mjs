import { packIfNeeded } from '../pack/pack_if_needed.mjs';
import { runStep } from '../process/run_step.mjs';
import { StepFailed } from '../process/step_failed.mjs';
import { installIfNeeded } from '../workspace/install.mjs';
import { rootManifest } from '../workspace/root.mjs';

/**
 * Packs and publishes the packages, with a provenance statement. It runs in CI, for the tag of the version.
 *
 * @param {AbortSignal} signal
 */
export async function publishRelease(signal) {
  const { version } = rootManifest();
  const { GITHUB_REF_NAME: tag } = process.env;
  if (tag !== `v${version}`) throw new StepFailed(`The tag is ${tag ?? 'missing'}, the version is ${version}.`, 1);
  await installIfNeeded(signal);
  for (const tarball of await packIfNeeded(signal)) {
    const channel = version.includes('-') ? 'next' : 'latest';
    const args = ['publish', tarball, '--provenance', '--access', 'public', '--tag', channel];
    await runStep(`npm publish ${tarball}`, { command: 'npm', args, signal });
  }
}
