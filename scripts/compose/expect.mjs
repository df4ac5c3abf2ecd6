import { StepFailed } from '../process/step_failed.mjs';

/**
 * @param {unknown} actual
 * @param {unknown} expected compared with ===
 * @param {string} what
 * @throws {StepFailed} naming both
 */
export function expectEqual(actual, expected, what) {
  if (actual === expected) return;
  throw new StepFailed(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}
