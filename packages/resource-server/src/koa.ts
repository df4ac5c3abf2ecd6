import type { Middleware } from 'koa';
import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  authenticate,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { refusal } from './refusal.ts';

/** What {@link protectWithKoa} leaves in `ctx.state`. */
export interface AccessTokenState {
  accessToken: AcceptedAccessToken;
}

/**
 * Koa middleware that lets only requests with a good access token pass, and puts it in `ctx.state.accessToken`.
 *
 * @throws TypeError for a badly typed option.
 * @example
 * ```ts
 * app.use(protectWithKoa({ validator, scopes: (method) => (method === 'GET' ? ['read'] : ['write']) }));
 * ```
 */
export function protectWithKoa(options: AuthenticateOptions & ChallengeOptions): Middleware<AccessTokenState> {
  const { validator, scopes, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes });
  return async (ctx, next) => {
    try {
      ctx.state.accessToken = await authenticate(ctx.req, { validator, scopes });
    } catch (error) {
      const { status, headers, body } = refusal(error, { realm, resourceMetadata });
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
      return;
    }
    await next();
  };
}
