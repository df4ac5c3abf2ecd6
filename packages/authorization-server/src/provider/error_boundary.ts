import { errorFields, type Log } from '@tallystick/common';
import type { Context, Middleware } from 'koa';
import { errors } from 'oidc-provider';
import { CONTENT_SECURITY_POLICY } from '../ui/layout.ts';
import { errorPage } from '../ui/pages.ts';

/**
 * The outermost step: notes when the request began, turns what escapes into an OAuth error (RFC 6749 section 5.2) and
 * says how it went in the log. The path is not logged: an interaction's holds what the browser's cookie holds.
 */
export function errorBoundary({ log, now }: { readonly log: Log; readonly now: () => number }): Middleware {
  return async (ctx, next) => {
    ctx.state.requestedAt = now();
    try {
      refuseRepeatedAuthorization(ctx);
      await next();
      if (ctx.status === 404 && ctx.body === undefined) throw new errors.InvalidRequest('there is nothing here', 404);
    } catch (error) {
      answer(ctx, error);
      if (ctx.status >= 500) log.error(describeError(error), 'request failed');
    }
    ctx.set({ 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
    if (ctx.response.is('html') && !ctx.response.get('Content-Security-Policy'))
      ctx.set('Content-Security-Policy', pagePolicy(ctx));
    const route = ctx.oidc?.route ?? (ctx.path.startsWith('/interaction/') ? 'interaction' : 'none');
    if (ctx.status === 503) {
      ctx.set('Retry-After', '1');
      log.warn({ route }, `refused: ${whatIsMissing(ctx)}`);
    }
    log.debug({ method: ctx.method, route, status: ctx.status, ms: now() - ctx.state.requestedAt }, 'request');
  };
}

/** Node.js keeps the first of several `Authorization` headers and says nothing; which one was meant is not for us to guess. */
function refuseRepeatedAuthorization({ req }: Context): void {
  const names = req.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
  if (names.length > 1) throw new errors.InvalidRequest('the Authorization header must not be repeated');
}

function answer(ctx: Context, error: unknown): void {
  const known = error instanceof errors.OIDCProviderError && error.expose ? error : undefined;
  const code = known?.error ?? 'server_error';
  const description = known?.error_description ?? 'the authorization server failed; its log says why';
  ctx.status = known?.statusCode ?? 500;
  ctx.set('Cache-Control', 'no-store');
  if (ctx.accepts('json', 'html') === 'html') {
    ctx.type = 'html';
    ctx.state.errorDescription = description;
    ctx.body = errorPage(code, description);
  } else {
    ctx.body = { error: code, error_description: description };
  }
}

/** The error description of the answer, which says what does not answer, without its advice to the client. */
function whatIsMissing({ body, state }: Context): string {
  const { error_description: inBody } = typeof body === 'object' && body !== null ? (body as ErrorBody) : {};
  const description = inBody ?? state.errorDescription;
  return typeof description === 'string' ? (description.split(';', 1)[0] ?? '') : 'temporarily unavailable';
}

interface ErrorBody {
  readonly error_description?: unknown;
}

/** oidc-provider's own pages post themselves with an inline script and must keep it; ours have none. */
function pagePolicy(ctx: Context): string {
  return String(ctx.body).includes('<script') ? "frame-ancestors 'none'" : CONTENT_SECURITY_POLICY;
}

/** As {@link errorFields}, or with the reason where the error says that what is needed does not answer. */
export function describeError(error: unknown): object {
  const { cause } = error instanceof Error ? error : {};
  const { at, ...fields } = errorFields(error);
  return cause instanceof Error && 'code' in cause ? { ...fields, reason: cause.message } : { ...fields, at };
}
