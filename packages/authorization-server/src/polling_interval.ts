import type { Middleware } from 'koa';

/** Tells clients how often to ask (RFC 8628 section 3.2, CIBA Core section 7.3), which oidc-provider leaves open. */
export function pollingInterval(seconds: number): Middleware {
  return async (ctx, next) => {
    await next();
    const { route, client } = ctx.oidc ?? {};
    const polls =
      route === 'device_authorization' ||
      (route === 'backchannel_authentication' && client?.backchannelTokenDeliveryMode !== 'push');
    if (polls && ctx.status === 200) Object.assign(ctx.body as object, { interval: seconds });
  };
}
