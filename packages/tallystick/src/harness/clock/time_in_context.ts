import { AsyncLocalStorage } from 'node:async_hooks';

type Now = () => number;

const currentTime = new AsyncLocalStorage<Now>();
const askers = new Set<object>();
let realNow: Now | undefined;

/**
 * Runs code for which `Date.now` is another clock's, together with all that it waits for; the rest of the process keeps
 * real time. For oidc-provider, which takes no clock.
 */
export function withTime<T>(now: Now, operation: () => T): T {
  return currentTime.run(now, operation);
}

/** Replaces `Date.now` for as long as anybody needs it replaced, and not longer. */
export function replaceDateNow(asker: object): void {
  askers.add(asker);
  if (realNow !== undefined) return;
  const real = Date.now;
  realNow = real;
  Date.now = () => (currentTime.getStore() ?? real)();
}

/** Takes the replacement back when nobody else needs it. */
export function restoreDateNow(asker: object): void {
  askers.delete(asker);
  if (askers.size > 0 || realNow === undefined) return;
  Date.now = realNow;
  realNow = undefined;
}

/** Epoch milliseconds, whatever `Date.now` says at the moment. */
export function realTime(): number {
  return (realNow ?? Date.now)();
}
