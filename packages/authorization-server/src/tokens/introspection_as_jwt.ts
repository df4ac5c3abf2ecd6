import type { TokenStore } from '@tallystick/token-store';
import type { Context, Middleware } from 'koa';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';
import { type ActiveJwt, activeJwtOf } from './introspection_of_jwts.ts';

const JWT = 'application/jwt';

export interface IntrospectionAsJwtOptions {
  readonly store: TokenStore;
  readonly styles: AccessTokenStyles;
  /** Seconds that an answer may be cached, at most. */
  readonly maxAge: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Lets the introspection endpoint answer with the JWT that a token stands for, as phantom-token gateways ask for it:
 * `Accept: application/jwt` gets 200 and the JWT, cacheable for as long as the token lives, or 204 for a token that is
 * not active. A JWT that is asked about stands for itself. By then the caller is authenticated and the token is judged.
 */
export function introspectionAsJwt({ store, styles, maxAge, now }: IntrospectionAsJwtOptions): Middleware {
  async function jwtOf(token: AccessTokenRecord): Promise<string | undefined> {
    if (styles.apiOf(token)?.accessTokens !== 'split') return styles.renderJwt(token);
    const signingInput = await mapStoreErrors(store.splitEntries.find(token.jti));
    return signingInput === undefined ? undefined : `${signingInput}.${token.jti}`;
  }

  /** The JWT of the reference token that oidc-provider found to be active. */
  async function rendered({ oidc, body }: Context): Promise<ActiveJwt | undefined> {
    const { AccessToken, ClientCredentials } = oidc.entities;
    const token = (AccessToken ?? ClientCredentials) as AccessTokenRecord | undefined;
    const isActive = (body as { active?: boolean }).active === true;
    const jwt = isActive && token ? await jwtOf(token) : undefined;
    return jwt === undefined ? undefined : { jwt, exp: token?.exp ?? 0 };
  }

  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'introspection' || ctx.status !== 200) return;
    ctx.vary('Accept');
    if (ctx.accepts('application/json', JWT, 'application/token-introspection+jwt') !== JWT) return;
    const answer = activeJwtOf(ctx) ?? (await rendered(ctx));
    ctx.remove('Pragma');
    if (answer === undefined) {
      ctx.set('Cache-Control', 'no-store');
      ctx.status = 204;
      return;
    }
    const remainingLife = answer.exp - Math.floor(now() / 1000);
    ctx.set('Cache-Control', `max-age=${Math.max(0, Math.min(maxAge, remainingLife))}`);
    ctx.type = JWT;
    ctx.body = answer.jwt;
  };
}
