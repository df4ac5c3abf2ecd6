import type { Context, Middleware } from 'koa';
import { GRANT_TYPES } from './grant_types.ts';

/**
 * Answers a request for a grant that the client may not use with `unauthorized_client` (RFC 6749 section 5.2, CIBA Core
 * section 13) instead of oidc-provider's `invalid_request`. This takes precedence over other problems of the request.
 */
export function unauthorizedClient(): Middleware {
  return async (ctx, next) => {
    await next();
    const grantType = grantTypeOf(ctx);
    const refused = ctx.status === 400 && (ctx.body as { error?: unknown } | undefined)?.error === 'invalid_request';
    if (!refused || typeof grantType !== 'string' || ctx.oidc.client?.grantTypeAllowed(grantType) !== false) return;
    ctx.body = { error: 'unauthorized_client', error_description: 'the client may not use this grant' };
  };
}

function grantTypeOf({ oidc }: Context): unknown {
  switch (oidc?.route) {
    case 'token':
      return oidc.params?.grant_type;
    case 'device_authorization':
      return GRANT_TYPES.device_code;
    case 'backchannel_authentication':
      return GRANT_TYPES.ciba;
    default:
      return undefined;
  }
}
