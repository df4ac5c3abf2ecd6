import { afterEach } from '@jest/globals';

const pending: (() => unknown)[] = [];

afterEach(async () => {
  for (const stop of pending.splice(0).reverse()) await stop();
});

/** Runs `stop` after the test that called this, passed or failed: the last one first. */
export function onTestFinished(stop: () => unknown): void {
  pending.push(stop);
}
