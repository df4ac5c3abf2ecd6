import { AsyncLocalStorage } from 'node:async_hooks';
import { Provider } from 'oidc-provider';

/** Epoch milliseconds. One instance for the whole process, for the reason given in `unit_of_work.ts`. */
const began = new AsyncLocalStorage<number>();

/**
 * Runs work outside a request as if a request began at `time`. It cannot write records of a client, user or grant that is
 * revoked after that.
 *
 * @param time epoch milliseconds
 */
export function runAsRequestAt<T>(time: number, work: () => Promise<T>): Promise<T> {
  return began.run(time, work);
}

/**
 * @returns when the current request, or the work of {@link runAsRequestAt}, began, in epoch milliseconds; undefined outside both
 */
export function requestedAt(): number | undefined {
  return (Provider.ctx?.state.requestedAt as number | undefined) ?? began.getStore();
}
