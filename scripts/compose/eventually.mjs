import { setTimeout as delay } from 'node:timers/promises';

const intervalMilliseconds = 250;

/**
 * Tries until it does not throw any more.
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {{ within: number, signal: AbortSignal }} options within: milliseconds
 * @returns {Promise<T>}
 * @throws what the last attempt threw
 */
export async function eventually(attempt, { within, signal }) {
  const deadline = performance.now() + within;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await delay(intervalMilliseconds, undefined, { signal });
  }
}
