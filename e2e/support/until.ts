/** Milliseconds after which nothing is waited for any more: less than a test may take, and far more than a busy machine needs. */
const PATIENCE = 120_000;

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
