import { AsyncLocalStorage } from 'node:async_hooks';
import type { TokenStore, UnitOfWork } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import { answeringForTheStore } from './store_unavailable.ts';

/** What the requests under way have collected. */
export type UnitsOfWork = AsyncLocalStorage<UnitOfWork>;

export function createUnitsOfWork(): UnitsOfWork {
  return new AsyncLocalStorage<UnitOfWork>();
}

/**
 * Makes everything that a token request writes one write, acknowledged before the response leaves: the code or refresh
 * token that it used up, the new refresh token, the access token and its split entry. When the store fails, or somebody
 * else was faster, nothing is issued and nothing used up, so that the client can try again.
 */
export function oneWritePerTokenRequest(store: TokenStore, units: UnitsOfWork): Middleware {
  return async (ctx, next) => {
    if (ctx.path.toLowerCase() !== '/token') return next();
    const work = store.begin();
    await units.run(work, next);
    if (ctx.status === 200) await answeringForTheStore(work.commit());
  };
}
