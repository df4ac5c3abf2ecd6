import { afterAll, beforeAll, describe } from '@jest/globals';
import { startManyProcesses } from './many_processes.ts';
import { startOneProcess } from './one_process.ts';
import type { World } from './world.ts';

/** Runs the same tests against one process on the memory store, and against several processes on Redis. */
export function inBothWorlds(tests: (world: () => World) => void): void {
  describe.each([
    ['in one process', startOneProcess],
    ['in many processes on Redis', startManyProcesses],
  ] as const)('%s', (_name, start) => {
    let world: World | undefined;
    beforeAll(async () => {
      world = await start();
    });
    afterAll(async () => {
      await world?.stop();
    });
    tests(() => {
      if (!world) throw new Error('the world did not start');
      return world;
    });
  });
}
