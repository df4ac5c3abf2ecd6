import { setImmediate } from 'node:timers/promises';

/** Waits until something is so. @throws after two minutes, with the description of what was waited for */
export async function until(description: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 120_000;
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error(`not so after two minutes: ${description}`);
    await setImmediate();
  }
}
