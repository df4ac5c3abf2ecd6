/** Milliseconds after which a wait is in vain: a little less than a test may take. */
const PATIENCE = 25_000;

/**
 * Polls until the condition holds.
 *
 * @throws {Error} it does not
 */
export async function until<T>(condition: () => T | Promise<T>): Promise<T> {
  const giveUp = Date.now() + PATIENCE;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > giveUp) throw new Error(`not so after ${PATIENCE} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
