import type { TokenStore } from '@tallystick/token-store';
import type { Middleware } from 'koa';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';
import { answeringForTheStore } from './store_unavailable.ts';

const JWT = 'application/jwt';

/**
 * Lets the introspection endpoint answer with the JWT that a token stands for, as phantom-token gateways ask for it:
 * `Accept: application/jwt` gets 200 and the JWT, cacheable for as long as the token lives, or 204 for a token that is
 * not active. oidc-provider has authenticated the caller, found the token and judged it by then.
 *
 * @param maxAge seconds that an answer may be cached, at most
 */
export function introspectionAsJwt(store: TokenStore, styles: AccessTokenStyles, maxAge: number): Middleware {
  async function jwtOf(token: AccessTokenRecord): Promise<string | undefined> {
    if (styles.apiOf(token)?.style !== 'split') return styles.renderJwt(token);
    const signingInput = await answeringForTheStore(store.splitEntries.find(token.jti));
    return signingInput === undefined ? undefined : `${signingInput}.${token.jti}`;
  }

  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'introspection' || ctx.status !== 200) return;
    ctx.vary('Accept');
    if (ctx.accepts('application/json', JWT, 'application/token-introspection+jwt') !== JWT) return;
    const { AccessToken, ClientCredentials } = ctx.oidc.entities;
    const token = (AccessToken ?? ClientCredentials) as AccessTokenRecord | undefined;
    const active = (ctx.body as { active?: boolean }).active === true;
    const jwt = active && token ? await jwtOf(token) : undefined;
    ctx.remove('Pragma');
    if (jwt === undefined) {
      ctx.set('Cache-Control', 'no-store');
      ctx.status = 204;
      return;
    }
    const remainingLife = (token?.exp ?? 0) - Math.floor(Date.now() / 1000);
    ctx.set('Cache-Control', `max-age=${Math.max(0, Math.min(maxAge, remainingLife))}`);
    ctx.type = JWT;
    ctx.body = jwt;
  };
}
