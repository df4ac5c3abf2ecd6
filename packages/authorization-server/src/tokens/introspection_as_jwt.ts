import type { TokenStore } from '@tallystick/token-store';
import type { Context, Middleware } from 'koa';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';
import { type ActiveJwt, activeJwtOf } from './introspection_of_jwts.ts';

const JWT = 'application/jwt';

export interface IntrospectionAsJwtOptions {
  readonly store: TokenStore;
  readonly styles: AccessTokenStyles;
  /** Maximum cache lifetime of a response, in seconds. */
  readonly maxAge: number;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Makes the introspection endpoint answer with the token's JWT, as phantom token gateways request it. `Accept: application/jwt`
 * gets 200 with the JWT, which can be cached until the token expires, or 204 for an inactive token. An introspected JWT
 * is its own answer. This runs after oidc-provider has authenticated the caller and checked the token.
 */
export function introspectionAsJwt({ store, styles, maxAge, now }: IntrospectionAsJwtOptions): Middleware {
  async function jwtOf(token: AccessTokenRecord): Promise<string | undefined> {
    if (styles.apiOf(token)?.accessTokens !== 'split') return styles.renderJwt(token);
    const signingInput = await mapStoreErrors(store.splitEntries.find(token.jti));
    return signingInput === undefined ? undefined : `${signingInput}.${token.jti}`;
  }

  /** The JWT of a reference token, if oidc-provider answered that it is active. */
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
