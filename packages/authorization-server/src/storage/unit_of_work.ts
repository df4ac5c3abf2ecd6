import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenStore, UnitOfWork } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from './store_errors.ts';

/**
 * One instance for the whole process. Node.js 20 and 22 never release a used instance, and each one slows down every promise;
 * each change of keys or configuration creates a provider.
 */
const current = new AsyncLocalStorage<{ readonly owner: UnitsOfWork; readonly work: UnitOfWork }>();

/** The units of work of one provider's token requests. */
export interface UnitsOfWork {
  /** Runs an operation, including its asynchronous parts, within a unit of work. */
  run<T>(work: UnitOfWork, operation: () => T): T;
  /** @returns the unit of work of the current request; undefined outside a token request */
  current(): UnitOfWork | undefined;
}

export function createUnitsOfWork(): UnitsOfWork {
  const units: UnitsOfWork = {
    run: (work, operation) => current.run({ owner: units, work }, operation),
    current() {
      const store = current.getStore();
      return store?.owner === units ? store.work : undefined;
    },
  };
  return units;
}

/**
 * Collects the writes of a token request in a unit of work, and commits it before the response is sent: the consumed code or
 * refresh token, the new refresh token, the access token and its split entry. If the commit fails, nothing is issued or
 * consumed, so that the client can try again.
 */
export function unitOfWorkPerTokenRequest(
  { secret }: Pick<AuthorizationServerConfig, 'secret'>,
  { store, units }: { store: TokenStore; units: UnitsOfWork },
): Middleware {
  return async (ctx, next) => {
    if (ctx.path.toLowerCase() !== '/token') return next();
    const work = store.begin(secret);
    await units.run(work, next);
    if (ctx.status === 200) await mapStoreErrors(work.commit());
  };
}
