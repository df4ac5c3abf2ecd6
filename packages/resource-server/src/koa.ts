import type { IncomingMessage } from 'node:http';
import type { AcceptedAccessToken } from './authenticate.ts';
import { type ProtectOptions, protect } from './protect.ts';

/** The `ctx.state` after {@link protectWithKoa}. */
export interface AccessTokenState {
  accessToken: AcceptedAccessToken;
}

/** What the middleware uses of a Koa context. Koa's own types are not used, so that an API without Koa need not install them. */
export interface KoaContext {
  readonly req: IncomingMessage;
  readonly state: Partial<AccessTokenState>;
  status: number;
  body: unknown;
  set(headers: Record<string, string>): void;
}

/** Middleware for Koa. */
export type KoaMiddleware = (ctx: KoaContext, next: () => Promise<unknown>) => Promise<void>;

/**
 * Koa middleware that lets only requests with a valid access token pass, and puts it in `ctx.state.accessToken`.
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * app.use(protectWithKoa({ validator, scopes: (method) => (method === 'GET' ? ['read'] : ['write']) }));
 * ```
 */
export function protectWithKoa(options: ProtectOptions<IncomingMessage>): KoaMiddleware {
  const decide = protect(options);
  return async (ctx, next) => {
    const outcome = await decide(ctx.req);
    if ('refused' in outcome) {
      const { status, headers, body } = outcome.refused;
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
      return;
    }
    ctx.state.accessToken = outcome.accepted;
    ctx.set(outcome.headers);
    await next();
  };
}
