// npm run compose:check: builds docker-compose.yml, walks the four styles from the host, and takes it all down; first the services without a
// profile, then those of the profile `cluster`.
import { eventually } from './compose/eventually.mjs';
import { expectEqual } from './compose/expect.mjs';
import { findCompose } from './compose/find_compose.mjs';
import { request } from './compose/http.mjs';
import { expectPortsFree } from './compose/ports_free.mjs';
import { worlds } from './compose/services.mjs';
import { createStack } from './compose/stack.mjs';
import { walk } from './compose/walk.mjs';
import { withProgress } from './process/progress.mjs';
import { runCommand } from './process/run_command.mjs';
import { untilInterrupted } from './process/until_interrupted.mjs';
import { requireNode } from './workspace/require_node.mjs';

const healthyWithinMilliseconds = 90_000;

requireNode();

await untilInterrupted(async (signal) => {
  const compose = await findCompose(signal);
  console.log(`Containers: ${[compose.command, ...compose.prefix].join(' ')}`);
  for (const [index, world] of worlds.entries()) {
    console.log(`\n${world.title}`);
    if (await isMissing(compose, world, signal)) {
      console.log(`skipped: podman can pull no ${world.image}`);
      continue;
    }
    await expectPortsFree(world);
    const stack = createStack(compose, world);
    if (index === 0) await stack.build(signal);
    await check(world, stack, signal);
  }
});

/**
 * @param {import('./compose/services.mjs').World} world
 * @param {ReturnType<typeof createStack>} stack
 * @param {AbortSignal} signal
 */
async function check(world, stack, signal) {
  try {
    await stack.up(signal);
    await waitForHealth(world, signal);
    await walk(world, stack, signal);
  } catch (error) {
    if (!signal.aborted) await showLogs(world, stack);
    throw error;
  } finally {
    await stack.down();
  }
}

/**
 * A machine without a registry may have made its own base images with podman, and none for NGINX.
 * @param {import('./compose/find_compose.mjs').Compose} compose
 * @param {import('./compose/services.mjs').World} world
 * @param {AbortSignal} signal
 */
async function isMissing({ command }, { image }, signal) {
  if (command !== 'podman-compose' || image === undefined) return false;
  if ((await runCommand({ command: 'podman', args: ['image', 'exists', image], signal })).code === 0) return false;
  return (await runCommand({ command: 'podman', args: ['pull', image], signal })).code !== 0;
}

/**
 * @param {import('./compose/services.mjs').World} world
 * @param {AbortSignal} signal
 */
async function waitForHealth({ services }, signal) {
  for (const { name, healthy } of services) {
    if (healthy === undefined) continue;
    await withProgress(`Waiting for ${name}`, () =>
      eventually(async () => expectEqual((await request(healthy)).status, 200, healthy), {
        within: healthyWithinMilliseconds,
        signal,
      }),
    );
  }
}

/**
 * @param {import('./compose/services.mjs').World} world
 * @param {ReturnType<typeof createStack>} stack
 */
async function showLogs({ services }, stack) {
  for (const { name } of services) console.log(`\n--- ${name}\n${await stack.logs(name)}`);
  console.log('');
}
