import { errorFields, type Log } from '@tallystick/common';
import { CONTENT_SECURITY_POLICY } from '@tallystick/common/page';
import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { describeEnded, type ShowError } from '../error_pages/error_pages.ts';
import { logRefusal, recordRefusal } from './refusals.ts';

export interface ErrorBoundaryDependencies {
  readonly log: Log;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  readonly showError: ShowError;
}

/**
 * The outermost middleware: records when the request began, maps errors to OAuth errors (RFC 6749 section 5.2) and logs the
 * outcome. It logs the route, not the path: the path of an interaction contains the value of the browser's cookie.
 */
export function errorBoundary({ log, now, showError }: ErrorBoundaryDependencies): Middleware {
  return async (ctx, next) => {
    ctx.state.requestedAt = now();
    try {
      refuseRepeatedAuthorization(ctx);
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw new errors.InvalidRequest('no such endpoint', 404);
    } catch (error) {
      answer(ctx, error, showError);
      if (ctx.status < 500) recordRefusal(ctx, error);
      if (ctx.status >= 500) log.error(describeError(error), 'request failed');
    }
    ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
    if (ctx.response.is('html') && !ctx.response.get('Content-Security-Policy'))
      ctx.set('Content-Security-Policy', pagePolicy(ctx));
    const route = ctx.oidc?.route ?? (ctx.path.startsWith('/interaction/') ? 'interaction' : 'none');
    if (ctx.status === 503) {
      ctx.set('Retry-After', '1');
      log.warn({ route }, `refused: ${unavailableReason(ctx)}`);
    }
    const fields = { method: ctx.method, route, status: ctx.status, milliseconds: now() - ctx.state.requestedAt };
    logRefusal(log, ctx, fields);
    log.debug(fields, 'request');
  };
}

/** Node.js silently keeps the first of several `Authorization` headers. Guessing which one counts would be unsafe. */
function refuseRepeatedAuthorization({ req }: Context): void {
  const names = req.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
  if (names.length > 1) throw new errors.InvalidRequest('the Authorization header must not be repeated');
}

function answer(ctx: Context, error: unknown, showError: ShowError): void {
  const known = error instanceof errors.OIDCProviderError && error.expose ? error : undefined;
  const code = known?.error ?? 'server_error';
  const description =
    describeEnded(known) ?? known?.error_description ?? 'the authorization server failed; see its log';
  ctx.status = known?.statusCode ?? 500;
  ctx.set('Cache-Control', 'no-store');
  if (ctx.accepts('json', 'html') === 'html') {
    showError(ctx, { error: code, error_description: description }, known);
  } else {
    ctx.body = { error: code, error_description: description };
  }
}

/** The part of the error description that names what is unavailable, without the advice to the client after the semicolon. */
function unavailableReason({ body, state }: Context): string {
  const { error_description: inBody } = typeof body === 'object' && body !== null ? (body as ErrorBody) : {};
  const description = inBody ?? state.errorDescription;
  return typeof description === 'string' ? (description.split(';', 1)[0] ?? '') : 'temporarily unavailable';
}

interface ErrorBody {
  readonly error_description?: unknown;
}

/** oidc-provider's own pages submit themselves with an inline script; the pages of this package have no scripts. */
function pagePolicy(ctx: Context): string {
  return String(ctx.body).includes('<script') ? "frame-ancestors 'none'" : CONTENT_SECURITY_POLICY;
}

/** The log fields of {@link errorFields}. If the cause has a code, such as an unavailable store, its message replaces the stack position. */
export function describeError(error: unknown): object {
  const { cause } = error instanceof Error ? error : {};
  const { at, ...fields } = errorFields(error);
  return cause instanceof Error && 'code' in cause ? { ...fields, reason: cause.message } : { ...fields, at };
}
