import type { Context, Middleware } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import { deviceConnectedPage, type ProtectedForm, userCodeConfirmPage, userCodePage } from '../ui/device_pages.ts';
import { errorPage } from '../ui/pages.ts';

/** The device flow's pages (RFC 8628 section 3.3) in our look: oidc-provider's forms are not used, they need scripts. */
export const deviceFlowPages = {
  async userCodeInputSource(ctx: KoaContextWithOIDC, _form: unknown, _out: unknown, error?: Error) {
    if (error && isNew(ctx)) {
      forgetSession(ctx);
      show(ctx, errorPage('invalid_request', 'This page is too old, or your browser keeps no cookies. Open it again.'));
      return;
    }
    show(ctx, userCodePage(formOf(ctx), '', error && problemOf(error)));
  },
  async userCodeConfirmSource(
    ctx: KoaContextWithOIDC,
    _form: unknown,
    client: { clientId: string; clientName?: string | undefined },
    _deviceInfo: unknown,
    userCode: string,
  ) {
    show(ctx, userCodeConfirmPage(formOf(ctx), client.clientName ?? client.clientId, userCode));
  },
  async successSource(ctx: KoaContextWithOIDC) {
    show(ctx, deviceConnectedPage(ctx.oidc.client?.clientName ?? ''));
  },
};

/**
 * The page behind `verification_uri_complete`, the code filled in. oidc-provider has it submitted by a script at once;
 * ours waits for the user.
 */
export function prefilledUserCode(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.method !== 'GET' || ctx.oidc?.route !== 'code_verification' || ctx.status !== 200) return;
    const code = ctx.oidc.params?.user_code;
    if (typeof code === 'string') show(ctx, userCodePage(formOf(ctx), code));
  };
}

/** Whether the browser came without a session that the server knows. */
function isNew({ oidc }: Context): boolean {
  return oidc.session.exp === undefined;
}

/** oidc-provider would keep it for the form, but fails: it expects that the session was kept before. */
function forgetSession({ oidc }: Context): void {
  oidc.session.touched = false;
}

function show(ctx: Context, page: string): void {
  ctx.type = 'html';
  ctx.body = page;
}

function formOf(ctx: Context): ProtectedForm {
  const { secret } = ctx.oidc.session.state as { secret: string };
  return { action: new URL(ctx.oidc.urlFor('code_verification')).pathname, xsrf: secret };
}

/** A user took the device code on, or decided, at the same moment. oidc-provider has an error of this name, which it does not export. */
export class AlreadyUsedError extends errors.OIDCProviderError {
  override name = 'AlreadyUsedError';
  constructor() {
    super(400, 'invalid_request');
    this.expose = true;
    this.error_description = 'the code was used already';
  }
}

/** oidc-provider names these errors and does not export them. */
function problemOf({ name }: Error): string {
  switch (name) {
    case 'NotFoundError':
      return 'There is no such code. Look at the device again.';
    case 'ExpiredError':
      return 'This code is too old. Start again at the device.';
    case 'AlreadyUsedError':
      return 'This code was used already. Start again at the device.';
    case 'AbortedError':
      return 'Cancelled. The device is not connected.';
    case 'NoCodeError':
      return 'Enter the code that the device shows.';
    default:
      return 'That did not work. Start again at the device.';
  }
}
