import type { Middleware } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Gives the empty response of the revocation endpoint the type JSON. RFC 7009 section 2.2 tells clients to ignore its body, but
 * oidc-client-ts and simple-oauth2 refuse `text/plain`, which Koa would set.
 */
export function revocationResponse(): Middleware {
  return async (ctx, next) => {
    await next();
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    if (oidc?.route === 'revocation' && ctx.body === '') ctx.type = 'application/json';
  };
}
