import type { Middleware } from 'koa';

/** oidc-provider says of any CIBA that it takes user codes (CIBA Core section 4); ours takes none. */
export function trueDiscovery(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'discovery') return;
    const metadata = ctx.body as Record<string, unknown>;
    if ('backchannel_authentication_endpoint' in metadata) metadata.backchannel_user_code_parameter_supported = false;
  };
}
