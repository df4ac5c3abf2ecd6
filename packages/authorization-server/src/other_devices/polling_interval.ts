import type { TokenStore } from '@tallystick/token-store';
import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';

/** Seconds added to the interval with each `slow_down` (RFC 8628 section 3.5). */
const GROWTH = 5;

/** Milliseconds that a poll may be early, because network delays vary. */
const TOLERANCE = 250;

/** The last poll of a client. */
interface Poll {
  /** Epoch milliseconds. */
  readonly polledAt: number;
  /** Seconds until the next poll is allowed. */
  readonly interval: number;
}

/**
 * Adds the polling `interval` (RFC 8628 section 3.2, CIBA Core section 7.3) and answers polls that come too soon with
 * `slow_down` (RFC 8628 section 3.5, CIBA Core section 11), for all servers on the store together. oidc-provider does
 * neither. A decided request is answered at once, however soon the poll comes.
 */
export function pollingInterval(
  config: Pick<AuthorizationServerConfig, 'pollingInterval' | 'lifetimes' | 'secret'>,
  { store, now }: { readonly store: TokenStore; readonly now: () => number },
): Middleware {
  const { pollingInterval: configured, lifetimes, secret } = config;
  const polls = store.records('Poll', secret);
  const retention = Math.max(lifetimes.deviceCode, lifetimes.backchannelRequest);

  /** Records the poll. @returns whether it came too soon after the previous one */
  async function isTooSoon(code: string): Promise<boolean> {
    const last = (await mapStoreErrors(polls.find(code))) as Poll | undefined;
    const time = now();
    const { polledAt, interval } = last ?? { polledAt: Number.NEGATIVE_INFINITY, interval: configured };
    const tooSoon = time - polledAt < interval * 1000 - TOLERANCE;
    const poll = { polledAt: time, interval: tooSoon ? interval + GROWTH : interval };
    await mapStoreErrors(polls.upsertAnonymous(code, poll, retention));
    return tooSoon;
  }

  return async (ctx, next) => {
    await next();
    if (startsPolling(ctx)) Object.assign(ctx.body as object, { interval: configured });
    const code = pendingCode(ctx);
    if (code === undefined || !(await isTooSoon(code))) return;
    const { error, error_description } = new errors.SlowDown();
    ctx.body = { error, error_description };
  };
}

function startsPolling({ oidc, status }: Context): boolean {
  if (status !== 200) return false;
  if (oidc?.route === 'device_authorization') return true;
  return oidc?.route === 'backchannel_authentication' && oidc.client?.backchannelTokenDeliveryMode !== 'push';
}

/** The code that the client polled with, if it is still pending. */
function pendingCode({ oidc, body }: Context): string | undefined {
  if (oidc?.route !== 'token' || (body as { error?: unknown } | undefined)?.error !== 'authorization_pending') return;
  const { device_code: deviceCode, auth_req_id: authReqId } = oidc.params ?? {};
  return String(deviceCode ?? authReqId);
}
