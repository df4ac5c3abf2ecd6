import type { Middleware } from 'koa';

/**
 * Lets a page of any origin register a client. oidc-provider answers preflights at its other endpoints only. A registration
 * needs no cookie, and a registered client gets nothing without a user's consent.
 */
export function registrationFromBrowsers(): Middleware {
  return async (ctx, next) => {
    if (!/^\/reg(?:\/|$)/.test(ctx.path) || ctx.get('Origin') === '') return next();
    ctx.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'WWW-Authenticate' });
    if (ctx.method !== 'OPTIONS' || ctx.get('Access-Control-Request-Method') === '') return next();
    ctx.set({
      'Access-Control-Allow-Methods': 'GET, POST, PUT, DELETE',
      'Access-Control-Allow-Headers': 'Authorization, Content-Type',
      'Access-Control-Max-Age': '3600',
    });
    ctx.status = 204;
  };
}

/** Answers a revocation with an empty body (RFC 7009 section 2.2). With `text/plain`, oidc-client-ts takes it for an error. */
export function revocationWithoutBody(): Middleware {
  return async (ctx, next) => {
    await next();
    // A `null` body would also remove Content-Length, without which proxies cannot tell where the response ends.
    if (ctx.oidc?.route === 'revocation' && ctx.status === 200) ctx.remove('Content-Type');
  };
}
