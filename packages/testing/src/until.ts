import { setTimeout } from 'node:timers/promises';

/** Milliseconds to wait for something: less than a test may take, and far more than a busy machine needs. */
export const PATIENCE = 120_000;

/**
 * Polls until the condition holds.
 *
 * @param state appears in the error
 * @returns the value that the condition returned
 * @throws {Error} the condition does not hold within two minutes
 */
export async function until<T>(condition: () => T | Promise<T>, state?: () => unknown): Promise<NonNullable<T>> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) {
      const found = state === undefined ? '' : `; ${JSON.stringify(state())}`;
      throw new Error(`still not true after ${PATIENCE} ms: ${condition}${found}`);
    }
    await setTimeout(10);
  }
}
