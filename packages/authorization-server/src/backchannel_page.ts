import type { Middleware } from 'koa';
import { errors } from 'oidc-provider';
import type { createBackchannelRequests } from './backchannel_requests.ts';
import type { AuthorizationServerConfig } from './config.ts';
import { mountPathOf } from './mount.ts';
import { pendingRequestsPage, whosePage } from './pages/backchannel_pages.ts';
import { CONTENT_SECURITY_POLICY } from './pages/layout.ts';
import { readForm } from './read_form.ts';

const PATH = '/ciba';

/**
 * The page that stands for a user's authentication device (CIBA): pick a user, approve or deny. Like the login page it
 * lets anyone be anyone; a request is named by a handle that nobody can guess, so no other site can decide for a user.
 */
export function backchannelPage(
  requests: ReturnType<typeof createBackchannelRequests>,
  { users, issuer }: Pick<AuthorizationServerConfig, 'users' | 'issuer'>,
): Middleware {
  const action = mountPathOf(issuer) + PATH;
  const known = (user: string | null) => users.find(({ id }) => id === user)?.id;

  return async (ctx, next) => {
    if (ctx.path !== PATH) return next();
    ctx.set({ 'Cache-Control': 'no-store', 'Content-Security-Policy': CONTENT_SECURITY_POLICY });
    ctx.type = 'html';
    if (ctx.method === 'GET') {
      const user = known(new URLSearchParams(ctx.querystring).get('user'));
      ctx.body =
        user === undefined ? whosePage(action, users) : pendingRequestsPage(action, user, await requests.pending(user));
    } else if (ctx.method === 'POST') {
      const form = await readForm(ctx.req);
      const user = known(form.get('user'));
      const decision = form.get('decision');
      if (user === undefined) throw new errors.InvalidRequest('there is no such user');
      if (decision !== 'approve' && decision !== 'deny') throw new errors.InvalidRequest('approve or deny');
      await requests.decide(user, String(form.get('request')), decision);
      ctx.status = 303;
      ctx.redirect(`${action}?user=${encodeURIComponent(user)}`);
    } else {
      throw new errors.InvalidRequest(`this page does not take ${ctx.method}`, 405);
    }
  };
}
