import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { sameText } from '@tallystick/common';
import { CONTENT_SECURITY_POLICY } from '@tallystick/common/page';
import type { Context, Middleware } from 'koa';
import { errors, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mountPathOf } from '../provider/mount.ts';
import { recordRefusal } from '../provider/refusals.ts';
import { authenticationContext } from '../sign_in/authentication_context.ts';
import { requestsPage, userChoicePage } from '../ui/backchannel_pages.ts';
import { readForm } from '../ui/read_form.ts';
import type { createBackchannelRequests } from './backchannel_requests.ts';

const PATH = '/ciba';
/** Ties the sign-in form to the browser that received it. */
const VISIT_COOKIE = '_ciba';

type Session = Awaited<ReturnType<Provider['Session']['get']>>;
type PageConfig = Pick<AuthorizationServerConfig, 'users' | 'issuer' | 'secret' | 'acrValues' | 'lifetimes'>;

/**
 * The page that simulates a user's authentication device (CIBA): a user signs in, and approves or denies requests. A decision
 * needs the session of the requested user and a form that was sent to this session, so that neither the client nor another
 * site can decide for the user.
 */
export function backchannelPage(
  provider: Provider,
  requests: ReturnType<typeof createBackchannelRequests>,
  { users, issuer, secret, acrValues, lifetimes }: PageConfig,
): Middleware {
  const mountPath = mountPathOf(issuer);
  const action = mountPath + PATH;
  const xsrfOf = createXsrf(secret);

  return async (ctx, next) => {
    if (ctx.path !== PATH) return next();
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': CONTENT_SECURITY_POLICY });
    ctx.type = 'html';
    const session = await provider.Session.get(ctx);
    if (ctx.method === 'GET') await show(ctx, session);
    else if (ctx.method === 'POST') await submit(ctx, session, await readForm(ctx.req));
    else throw new errors.InvalidRequest(`${ctx.method} is not allowed for this page`, 405);
  };

  async function show(ctx: Context, { jti, accountId }: Session, problem?: string) {
    const { search, decided } = ctx.query;
    if (accountId === undefined) {
      const form = { action, xsrf: xsrfOf(visitOf(ctx) ?? beginVisit(ctx, action)) };
      ctx.body = userChoicePage(form, users, typeof search === 'string' ? search : '');
      return;
    }
    ctx.body = requestsPage(
      { action, xsrf: xsrfOf(jti) },
      {
        user: accountId,
        endSession: `${mountPath}/session/end`,
        pending: await requests.pending(accountId),
        decided: await requests.decided(accountId),
        justDecided: typeof decided === 'string' ? decided : undefined,
        ...(problem !== undefined && { problem }),
      },
    );
  }

  async function submit(ctx: Context, session: Session, form: URLSearchParams) {
    const { jti, accountId } = session;
    const cookieValue = accountId === undefined ? visitOf(ctx) : jti;
    if (cookieValue === undefined || !sameText(xsrfOf(cookieValue), form.get('xsrf') ?? '')) {
      throw new errors.SessionNotFound('this page has expired; open it again');
    }
    if (accountId === undefined) {
      await signIn(ctx, session, form.get('user'));
      redirect(ctx, action);
      return;
    }
    const request = form.get('request') ?? '';
    const refusal = await requests.decide(accountId, request, decisionIn(form)).catch(expectRefusal);
    if (refusal === undefined) redirect(ctx, `${action}?${new URLSearchParams({ decided: request })}`);
    else await refuse(ctx, session, refusal);
  }

  /** The form was sent twice, or the request has expired. The user sees what is left to decide. */
  async function refuse(ctx: Context, session: Session, refusal: errors.InvalidRequest) {
    recordRefusal(ctx, refusal);
    ctx.status = 400;
    await show(ctx, session, 'This request was decided before, or it has expired.');
  }

  async function signIn(ctx: Context, session: Session, user: string | null) {
    if (!users.some((known) => known.id === user)) throw new errors.InvalidRequest('unknown user');
    session.resetIdentifier(); // Prevents session fixation.
    session.loginAccount({ accountId: String(user), ...authenticationContext({}, acrValues) });
    await session.save(lifetimes.session);
    ctx.cookies.set(provider.cookieName('session'), session.jti, { sameSite: 'lax', path: mountPath || '/' });
  }
}

function redirect(ctx: Context, location: string): void {
  ctx.status = 303;
  ctx.redirect(location);
}

/** @returns the refusal @throws any other error */
function expectRefusal(error: unknown): errors.InvalidRequest {
  if (error instanceof errors.InvalidRequest) return error;
  throw error;
}

/** Creates the function that returns the anti-forgery value for the session or visit in a cookie. */
function createXsrf(secret: string) {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'tallystick backchannel page', 32));
  return (cookieValue: string) => createHmac('sha256', key).update(cookieValue).digest('base64url');
}

function beginVisit(ctx: Context, path: string): string {
  const visit = randomBytes(32).toString('base64url');
  ctx.cookies.set(VISIT_COOKIE, visit, { sameSite: 'strict', path });
  return visit;
}

function visitOf(ctx: Context): string | undefined {
  return ctx.cookies.get(VISIT_COOKIE);
}

function decisionIn(form: URLSearchParams): 'approve' | 'deny' {
  const decision = form.get('decision');
  if (decision !== 'approve' && decision !== 'deny')
    throw new errors.InvalidRequest('the decision must be approve or deny');
  return decision;
}
