import { setImmediate } from 'node:timers/promises';

/** Waits until something is so. @throws after five seconds, with the description of what was waited for */
export async function until(description: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 5_000;
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error(`not so after 5 s: ${description}`);
    await setImmediate();
  }
}
