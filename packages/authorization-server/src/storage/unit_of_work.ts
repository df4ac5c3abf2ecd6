import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenStore, UnitOfWork } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from './store_errors.ts';

/**
 * One for the whole process: Node.js 20 and 22 never give one up that was used, and each of them costs something with every
 * promise. A provider is made for each change of keys or configuration.
 */
const current = new AsyncLocalStorage<{ readonly owner: UnitsOfWork; readonly work: UnitOfWork }>();

/** The units of work of one provider's token requests. */
export interface UnitsOfWork {
  /** Runs an operation, and all that it waits for, within a unit of work. */
  run<T>(work: UnitOfWork, operation: () => T): T;
  /** @returns the unit of work of the request that is being served; undefined outside a token request */
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
 * Makes everything that a token request writes one write, acknowledged before the response leaves: the code or refresh
 * token that it used up, the new refresh token, the access token and its split entry. When the store fails, or somebody
 * else was faster, nothing is issued and nothing used up, so that the client can try again.
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
