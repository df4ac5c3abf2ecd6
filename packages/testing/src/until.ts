import { setTimeout } from 'node:timers/promises';

/** Milliseconds: less than a test may take, and far more than a busy machine needs. */
const PATIENCE = 120_000;

/**
 * Polls until the condition holds.
 *
 * @returns what the condition returned
 * @throws {Error} it does not hold within two minutes
 */
export async function until<T>(condition: () => T | Promise<T>): Promise<T> {
  const giveUp = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > giveUp) throw new Error(`still not true after ${PATIENCE} ms: ${condition}`);
    await setTimeout(10);
  }
}
