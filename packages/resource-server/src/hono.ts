import type { AcceptedAccessToken, AuthenticateRequest } from './authenticate.ts';
import { type ProtectOptions, protect } from './protect.ts';

/** What the middleware uses of a context of Hono. Hono's own types are not used, so that an API without Hono need not install them. */
export interface HonoContext {
  readonly req: { readonly raw: Request };
  set(name: 'accessToken', value: AcceptedAccessToken): void;
  header(name: string, value: string): void;
}

/** Middleware for Hono. */
export type HonoMiddleware = (c: HonoContext, next: () => Promise<void>) => Promise<Response | undefined>;

/** Variables of the context after {@link protectWithHono}: `new Hono<{ Variables: AccessTokenVariables }>()`. */
export interface AccessTokenVariables {
  accessToken: AcceptedAccessToken;
}

/**
 * Middleware for Hono that lets only requests with a valid access token pass, and sets the variable `accessToken`.
 *
 * @throws TypeError for an option of the wrong type
 * @example
 * ```ts
 * app.use(protectWithHono({ validator, scopes: () => ['orders'] }));
 * app.get('/orders', (c) => c.json({ subject: c.get('accessToken').claims.sub }));
 * ```
 */
export function protectWithHono(options: ProtectOptions): HonoMiddleware {
  const decide = protect(options);
  return async (c, next) => {
    const outcome = await decide(toNodeRequest(c.req.raw));
    if ('refused' in outcome) {
      const { status, headers, body } = outcome.refused;
      return new Response(body, { status, headers });
    }
    c.set('accessToken', outcome.accepted);
    for (const [name, value] of Object.entries(outcome.headers)) c.header(name, value);
    await next();
    return undefined;
  };
}

/** The request as Node.js has it: with the target in origin form, like that of the other frameworks. */
function toNodeRequest({ method, url, headers }: Request): AuthenticateRequest {
  const { pathname, search } = new URL(url);
  return { method, url: pathname + search, rawHeaders: [...headers].flat() };
}
