import { afterEach } from '@jest/globals';

const pending: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(pending.splice(0).map((clean) => clean()));
});

/** Runs `clean` after the test that called this, passed or failed. */
export function onTestFinished(clean: () => Promise<void>): void {
  pending.push(clean);
}
