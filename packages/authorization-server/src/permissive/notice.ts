import { CONTENT_SECURITY_POLICY, html, layout } from '@tallystick/common/page';
import type { Middleware } from 'koa';

/** Path of the page that says what a permissive issuer accepts; discovery names it as `op_policy_uri`. */
export const POLICY_PATH = '/permissive';

const STRIP = html`<p class="permissive" role="note">This issuer is permissive: it accepts every client. For tests only.</p>`;

/** Says on each page that the issuer is permissive, and serves the page about it. */
export function permissiveNotice(): Middleware {
  return async (ctx, next) => {
    if (ctx.method === 'GET' && ctx.path === POLICY_PATH) {
      ctx.set({ 'Content-Security-Policy': CONTENT_SECURITY_POLICY });
      ctx.type = 'html';
      ctx.body = policyPage();
    } else {
      await next();
    }
    if (typeof ctx.body === 'string' && ctx.response.is('html'))
      ctx.body = ctx.body.replace('<main>', () => `<main>\n${STRIP.markup}`);
  };
}

function policyPage(): string {
  return layout(
    'Permissive issuer',
    html`<h1>Permissive issuer</h1>
<p>This authorization server accepts every client id, with any secret or none, every redirect URI, every scope, every user and every audience.</p>
<p>Its tokens are for tests. Do not trust this issuer in production.</p>`,
  );
}
