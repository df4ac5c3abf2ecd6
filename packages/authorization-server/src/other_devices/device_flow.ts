import type { Context, Middleware } from 'koa';
import { errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { ShowError } from '../error_pages/error_pages.ts';
import { deviceConnectedPage, type ProtectedForm, userCodeConfirmPage, userCodePage } from '../ui/device_pages.ts';

/** Creates the pages of the device flow (RFC 8628 section 3.3). They replace oidc-provider's forms, which need scripts. */
export function createDeviceFlowPages(showError: ShowError) {
  return {
    async userCodeInputSource(ctx: KoaContextWithOIDC, _form: unknown, _out: unknown, error?: Error) {
      if (error && isNew(ctx)) {
        forgetSession(ctx);
        const expired = new errors.SessionNotFound('this page has expired; open it again');
        ctx.status = expired.statusCode;
        showError(ctx, expired, expired);
        return;
      }
      const code = ctx.oidc.params?.user_code;
      const isToCorrect = error?.name === 'NotFoundError' || error instanceof errors.InvalidRequest;
      const typed = isToCorrect && typeof code === 'string' ? code.slice(0, MAX_CODE) : '';
      show(ctx, userCodePage(formOf(ctx), typed, error && problemOf(error)));
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
}

/** Characters of a wrong code that the page shows again. */
const MAX_CODE = 64;

/**
 * The page at `verification_uri_complete`, with the code filled in. The user submits it, while oidc-provider's page submits
 * itself with a script.
 */
export function prefilledUserCode(): Middleware {
  return async (ctx, next) => {
    await next();
    if (ctx.method !== 'GET' || ctx.oidc?.route !== 'code_verification' || ctx.status !== 200) return;
    const code = ctx.oidc.params?.user_code;
    if (typeof code === 'string') show(ctx, userCodePage(formOf(ctx), code));
  };
}

/** Whether the request has no known session. */
function isNew({ oidc }: Context): boolean {
  return oidc.session.exp === undefined;
}

/** Prevents saving the new session: oidc-provider would fail, because it expects a session that was saved before. */
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

/** Another user confirmed or decided the code at the same moment. oidc-provider has an error of this name but does not export it. */
export class AlreadyUsedError extends errors.OIDCProviderError {
  override name = 'AlreadyUsedError';
  constructor() {
    super(400, 'invalid_request');
    this.expose = true;
    this.error_description = 'the code has already been used';
  }
}

/** Errors of oidc-provider, by name because it does not export them. */
function problemOf({ name }: Error): string {
  switch (name) {
    case 'NotFoundError':
      return 'This code is unknown. Check the code on the device.';
    case 'ExpiredError':
      return 'This code has expired. Start again on the device.';
    case 'AlreadyUsedError':
      return 'This code has already been used. Start again on the device.';
    case 'AbortedError':
      return 'Cancelled. The device is not connected.';
    case 'NoCodeError':
      return 'Enter the code that the device shows.';
    case 'InvalidRequest':
      return 'This form was sent before, or it has expired. Enter the code again.';
    default:
      return 'That did not work. Start again on the device.';
  }
}
