import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { requirement } from '../requirements/index.ts';
import { type Controlled, startControlled } from '../support/worlds/controlled.ts';
import { ROOT, runCommand } from '../support/worlds/run_command.ts';

let world: Controlled;
beforeAll(async () => {
  world = await startControlled();
});
afterAll(() => world?.stop());

const runScript = async (gateway: string) => {
  const run = runCommand('bash', [path.join(ROOT, 'examples/shell/orders_test.sh')], {
    environment: { CONTROL_URL: world.controlUrl, GATEWAY_URL: gateway },
  });
  return { code: await run.exit, lines: run.output().trim().split('\n') };
};

test(requirement('ci-shell-script', 'it passes'), async () => {
  expect(await runScript(String(world.gateways[0]))).toEqual({
    code: 0,
    lines: [
      'ok - alice reads orders',
      'ok - a reader may not write',
      'ok - a stranger gets nothing',
      'ok - a revoked token is refused',
    ],
  });
});

test(requirement('ci-shell-script', 'it fails where nothing is protected'), async () => {
  expect(await runScript(world.controlUrl)).toEqual({
    code: 1,
    lines: ['not ok - alice reads orders: expected 200, found 404'],
  });
});
