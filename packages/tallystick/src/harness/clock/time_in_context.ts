import { AsyncLocalStorage } from 'node:async_hooks';

type Now = () => number;

const currentTime = new AsyncLocalStorage<Now>();
const users = new Set<object>();
let realNow: Now | undefined;

/**
 * Runs code, including its asynchronous continuations, for which `Date.now` returns the time of another clock. The rest of the process
 * keeps real time. oidc-provider needs this because it does not accept a clock.
 */
export function withTime<T>(now: Now, operation: () => T): T {
  return currentTime.run(now, operation);
}

/** Replaces `Date.now` until every user of the replacement has restored it. */
export function replaceDateNow(user: object): void {
  users.add(user);
  if (realNow !== undefined) return;
  const real = Date.now;
  realNow = real;
  Date.now = () => (currentTime.getStore() ?? real)();
}

/** Restores `Date.now` if no other user needs the replacement. */
export function restoreDateNow(user: object): void {
  users.delete(user);
  if (users.size > 0 || realNow === undefined) return;
  Date.now = realNow;
  realNow = undefined;
}

/** Real time in epoch milliseconds, even while `Date.now` is replaced. */
export function realTime(): number {
  return (realNow ?? Date.now)();
}
