import { AsyncLocalStorage } from 'node:async_hooks';

/** Epoch milliseconds. One for the whole process, as that of the units of work is. */
const began = new AsyncLocalStorage<number>();

/** Notes when work begins that no request asks for: what is revoked from then on is not written by it. */
export function fromNowOn<T>(work: () => Promise<T>): Promise<T> {
  return began.run(Date.now(), work);
}

/** @returns when the work under way began, in epoch milliseconds, if it was noted */
export function startOfWork(): number | undefined {
  return began.getStore();
}
