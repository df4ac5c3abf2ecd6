import { afterEach } from '@jest/globals';

const pending: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of pending.splice(0).reverse()) await stop();
});

/** Runs `stop` after the current test, whether it passes or fails. The last `stop` runs first. */
export function onTestFinished(stop: () => unknown): void {
  pending.push(stop);
}

/** Starts something for the current test and stops it after the test. */
export async function startForTest<T extends { stop(): unknown }>(starting: Promise<T>): Promise<T> {
  const started = await starting;
  onTestFinished(() => started.stop());
  return started;
}
