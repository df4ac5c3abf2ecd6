// npm run compose:check: builds docker-compose.yml, walks the four styles from the host, and takes it all down.
import { eventually } from './compose/eventually.mjs';
import { expectEqual } from './compose/expect.mjs';
import { findCompose } from './compose/find_compose.mjs';
import { request } from './compose/http.mjs';
import { expectPortsFree } from './compose/ports_free.mjs';
import { services } from './compose/services.mjs';
import { createStack } from './compose/stack.mjs';
import { walk } from './compose/walk.mjs';
import { withProgress } from './process/progress.mjs';
import { untilInterrupted } from './process/until_interrupted.mjs';
import { requireNode } from './workspace/require_node.mjs';

const healthyWithinMilliseconds = 90_000;

requireNode();

await untilInterrupted(async (signal) => {
  const compose = await findCompose(signal);
  console.log(`Containers: ${[compose.command, ...compose.prefix].join(' ')}`);
  await expectPortsFree();
  const stack = createStack(compose);
  await stack.build(signal);
  try {
    await stack.up(signal);
    await waitForHealth(signal);
    await walk(stack, signal);
  } catch (error) {
    if (!signal.aborted) await showLogs(stack);
    throw error;
  } finally {
    await stack.down();
  }
});

/** @param {AbortSignal} signal */
async function waitForHealth(signal) {
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

/** @param {ReturnType<typeof createStack>} stack */
async function showLogs(stack) {
  for (const { name } of services) console.log(`\n--- ${name}\n${await stack.logs(name)}`);
  console.log('');
}
