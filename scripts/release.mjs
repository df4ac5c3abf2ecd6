// A release, in two steps:
//
//     npm run release -- 0.2.0      on a maintainer's machine: changes the version, dates the changelog, commits and tags
//     npm run release -- publish    in CI, when the tag is pushed: publishes both packages with provenance
//
// npm creates a provenance statement in GitHub Actions and GitLab CI only.

import { untilInterrupted } from './process/until_interrupted.mjs';
import { prepareRelease } from './release/prepare_release.mjs';
import { publishRelease } from './release/publish_release.mjs';

const [argument = ''] = process.argv.slice(2);

await untilInterrupted(async (signal) => {
  if (argument === 'publish') await publishRelease(signal);
  else await prepareRelease(argument, signal);
});
