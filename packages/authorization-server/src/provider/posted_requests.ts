import { peekBody } from '@tallystick/common';
import type { Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { refuseOtherTypes } from '../ui/read_form.ts';

/** Endpoints to which a page may post its request instead of linking to it: the name of the request, and how to shorten it. */
const REQUESTS = new Map([
  ['/auth', { name: 'authorization request', advice: 'push it (RFC 9126)' }],
  ['/session/end', { name: 'logout request', advice: 'send client_id instead of id_token_hint' }],
]);

/** Length of a URL that servers and proxies accept. Node.js reads 16 KB of headers, which include the cookies. */
const MAX_URL = 8192;

/** Credentials that some clients add to every request. A URL would carry them into the browser's history and into logs. */
const CREDENTIALS = ['client_secret', 'client_assertion'];

/**
 * Accepts authorization and logout requests as a form (OpenID Connect Core section 3.1.2.1, RP-Initiated Logout section 2):
 * redirects the browser to the same request in a URL.
 *
 * A browser sends no `SameSite=Lax` cookie with a form that another site posts, so an answer here would not know the user's
 * session and would replace it. After the redirect, it sends the cookie. This endpoint reads and sets none, so a forged form
 * achieves what a link achieves.
 */
export function postedRequests({ issuer }: Pick<AuthorizationServerConfig, 'issuer'>): Middleware {
  return async (ctx, next) => {
    const request = REQUESTS.get(ctx.path.toLowerCase());
    if (ctx.method !== 'POST' || request === undefined) return next();
    refuseOtherTypes(ctx.req);
    const form = new URLSearchParams((await peekBody(ctx.req)).toString());
    if (ctx.req.destroyed) return; // The client closed the connection.
    const parameters = new URLSearchParams(ctx.querystring);
    for (const [name, value] of form) parameters.append(name, value);
    const credential = CREDENTIALS.find((name) => parameters.has(name));
    if (credential !== undefined)
      throw new errors.InvalidRequest(`${credential} must not be in a request through the browser`);
    const url = `${issuer}${ctx.path}?${parameters}`;
    if (url.length > MAX_URL) {
      const problem = `the ${request.name} is longer than the ${MAX_URL} characters of a URL`;
      throw new errors.InvalidRequest(`${problem}: ${request.advice}`, 413);
    }
    ctx.set('Cache-Control', 'no-store');
    ctx.status = 303;
    ctx.redirect(url);
  };
}
