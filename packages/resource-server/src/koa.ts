import type { IncomingMessage } from 'node:http';
import {
  type AcceptedAccessToken,
  type AuthenticateOptions,
  authenticate,
  challengeSchemes,
  requireAuthenticateOptions,
} from './authenticate.ts';
import type { ChallengeOptions } from './challenge.ts';
import { refusal } from './refusal.ts';

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
  set(name: string, value: string): void;
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
export function protectWithKoa(options: AuthenticateOptions<IncomingMessage> & ChallengeOptions): KoaMiddleware {
  const { validator, scopes, senderConstraint, realm, resourceMetadata } = options;
  requireAuthenticateOptions({ validator, scopes, senderConstraint });
  return async (ctx, next) => {
    try {
      const accepted = await authenticate(ctx.req, { validator, scopes, senderConstraint });
      ctx.state.accessToken = accepted;
      if (accepted.dpopNonce !== undefined) ctx.set('DPoP-Nonce', accepted.dpopNonce);
    } catch (error) {
      const schemes = challengeSchemes(ctx.req, senderConstraint);
      const { status, headers, body } = refusal(error, { realm, resourceMetadata, ...schemes });
      ctx.status = status;
      ctx.set(headers);
      ctx.body = body;
      return;
    }
    await next();
  };
}
