import { AsyncLocalStorage } from 'node:async_hooks';
import { Provider } from 'oidc-provider';

/** Epoch milliseconds. One for the whole process, as that of the units of work is. */
const began = new AsyncLocalStorage<number>();

/** Notes when work begins that no request asks for: what is revoked from then on is not written by it. @param time epoch milliseconds */
export function beginAt<T>(time: number, work: () => Promise<T>): Promise<T> {
  return began.run(time, work);
}

/**
 * @returns when the request began that oidc-provider is handling, or other work that noted it, in epoch milliseconds; undefined
 *   for what has no beginning
 */
export function startOfWork(): number | undefined {
  return (Provider.ctx?.state.requestedAt as number | undefined) ?? began.getStore();
}
