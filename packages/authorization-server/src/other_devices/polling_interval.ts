import type { TokenStore } from '@tallystick/token-store';
import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** Seconds by which the interval grows each time that a client is told to slow down (RFC 8628 section 3.5). */
const GROWTH = 5;

/** Milliseconds that a poll may come early: the way to here does not take equally long each time. */
const TOLERANCE = 250;

/** When a client last asked, and how long it has to wait since: seconds. */
interface Poll {
  readonly askedAt: number;
  readonly interval: number;
}

/**
 * Tells clients how often to ask (RFC 8628 section 3.2, CIBA Core section 7.3), and those that ask more often to slow
 * down (RFC 8628 section 3.5, CIBA Core section 11), whichever server on the store they ask. oidc-provider leaves both
 * open. Only who still has to wait is told so: an answer that is there is given at once.
 */
export function pollingInterval(
  config: Pick<AuthorizationServerConfig, 'pollingInterval' | 'lifetimes' | 'secret'>,
  { store, now }: { readonly store: TokenStore; readonly now: () => number },
): Middleware {
  const { pollingInterval: configured, lifetimes, secret } = config;
  const polls = store.records('Poll', secret);
  const remembered = Math.max(lifetimes.deviceCode, lifetimes.backchannelRequest);

  /** Notes the poll. @returns whether it came too soon after the one before it */
  async function isTooSoon(code: string): Promise<boolean> {
    const last = (await mapStoreErrors(polls.find(code))) as Poll | undefined;
    const time = now();
    const { askedAt, interval } = last ?? { askedAt: Number.NEGATIVE_INFINITY, interval: configured };
    const tooSoon = time - askedAt < interval * 1000 - TOLERANCE;
    const poll = { askedAt: time, interval: tooSoon ? interval + GROWTH : interval };
    await mapStoreErrors(polls.upsertAnonymous(code, poll, remembered));
    return tooSoon;
  }

  return async (ctx, next) => {
    await next();
    if (saysHowToAsk(ctx)) Object.assign(ctx.body as object, { interval: configured });
    const code = pendingCode(ctx);
    if (code === undefined || !(await isTooSoon(code))) return;
    const { error, error_description } = new errors.SlowDown();
    ctx.body = { error, error_description };
  };
}

function saysHowToAsk({ oidc, status }: Context): boolean {
  if (status !== 200) return false;
  if (oidc?.route === 'device_authorization') return true;
  return oidc?.route === 'backchannel_authentication' && oidc.client?.backchannelTokenDeliveryMode !== 'push';
}

/** The code that a client asked with, if what it asks for is not decided yet. */
function pendingCode({ oidc, body }: Context): string | undefined {
  if (oidc?.route !== 'token' || (body as { error?: unknown } | undefined)?.error !== 'authorization_pending') return;
  const { device_code: deviceCode, auth_req_id: authReqId } = oidc.params ?? {};
  return String(deviceCode ?? authReqId);
}
