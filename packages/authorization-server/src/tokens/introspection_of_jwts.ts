import type { Context, Middleware } from 'koa';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';
import type { MayIntrospect } from './introspection_policy.ts';
import type { OwnAccessToken, ReadOwnAccessToken } from './own_access_tokens.ts';
import { createApisByAudience } from './resource_servers.ts';

const SIGNED = 'application/token-introspection+jwt';

/** A JWT that was introspected and is active. */
export interface ActiveJwt {
  readonly jwt: string;
  /** Epoch seconds. */
  readonly exp: number;
}

export interface IntrospectionOfJwtsOptions {
  readonly apis: readonly ApiConfig[];
  readonly read: ReadOwnAccessToken;
  readonly mayIntrospect: MayIntrospect;
}

/** What the middleware found out about a request. */
interface State {
  /** The token was refused for being a JWT, and for nothing else. */
  isJwt?: boolean;
  activeJwt?: ActiveJwt;
}

/** @returns the JWT that the request was about, if it is active */
export function activeJwtOf(ctx: Context): ActiveJwt | undefined {
  return (ctx.state as State).activeJwt;
}

/**
 * Lets the introspection endpoint answer about JWT access tokens, which oidc-provider refuses with `unsupported_token_type`.
 * Whoever asks wants to know whether a token is active, and RFC 7662 section 2.2 has that answer for every token: anybody can
 * send any token to a gateway. By then oidc-provider has authenticated the caller.
 */
export function introspectionOfJwts(
  provider: Provider,
  { apis, read, mayIntrospect }: IntrospectionOfJwtsOptions,
): Middleware {
  const apisOf = createApisByAudience(apis);
  provider.on('introspection.error', ({ state }, error) => {
    (state as State).isJwt = error instanceof errors.UnsupportedTokenType;
  });

  return async (ctx, next) => {
    await next();
    if (ctx.oidc?.route !== 'introspection' || !(ctx.state as State).isJwt) return;
    const { client, params } = (ctx as KoaContextWithOIDC).oidc;
    if (client === undefined) return;
    const jwt = String(params?.token);
    const good = await read(jwt);
    const apis = apisOf(good?.aud).map(({ resource }) => resource);
    const token = mayIntrospect(client.clientId, apis) ? good : undefined;
    ctx.status = 200;
    ctx.body = token === undefined ? { active: false } : described(token);
    if (token !== undefined) (ctx.state as State).activeJwt = { jwt, exp: token.exp };
    if (ctx.accepts('json', SIGNED) === SIGNED && client.introspectionSignedResponseAlg)
      await sign(ctx as KoaContextWithOIDC);
  };
}

/** What is said of a JWT is what it says itself, and how it is used (RFC 7662 section 2.2). */
function described(token: OwnAccessToken): object {
  const { jkt } = (token.cnf ?? {}) as { readonly jkt?: unknown };
  return { ...token, active: true, token_type: jkt === undefined ? 'Bearer' : 'DPoP' };
}

/** RFC 9701 section 5, as oidc-provider does it for other tokens. */
async function sign(ctx: KoaContextWithOIDC): Promise<void> {
  const said = ctx.body as { readonly aud?: unknown };
  const answer = new ctx.oidc.provider.IdToken({}, { ctx } as never) as unknown as SignedAnswer;
  answer.extra = { token_introspection: said, aud: said.aud };
  ctx.body = await answer.issue({ use: 'introspection' });
  ctx.type = `${SIGNED}; charset=utf-8`;
}

interface SignedAnswer {
  extra: object;
  issue(options: { readonly use: 'introspection' }): Promise<string>;
}
