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

/** Endpoints that clients in browsers call (Fetch Standard section 3.3). */
const CALLED_BY_PAGES = [
  ...['/token', '/token/revocation', '/token/introspection', '/me', '/jwks', '/request', '/device/auth', '/reg'],
  ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
];

/**
 * Lets a page read the error of a request that is refused before oidc-provider knows its client. oidc-provider does the same for
 * an unknown client. It removes the header for an origin that is not the client's.
 */
export function readableErrors(): Middleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const origin = ctx.get('Origin');
      if (origin !== '' && CALLED_BY_PAGES.includes(ctx.path) && !ctx.response.get('Access-Control-Allow-Origin')) {
        ctx.set('Access-Control-Allow-Origin', origin);
        ctx.vary('Origin');
      }
      throw error;
    }
  };
}

/** Answers a revocation with `{}`: clients ignore the body (RFC 7009 section 2.2), but oidc-client-ts and simple-oauth2 expect JSON. */
export function revocationAsJson(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route === 'revocation' && ctx.status === 200) {
      ctx.type = 'json';
      ctx.body = {};
    }
  };
}
