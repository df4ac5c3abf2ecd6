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

/** The state of this middleware in a request. */
interface State {
  /** oidc-provider refused the token only because it is a JWT. */
  isJwt?: boolean;
  activeJwt?: ActiveJwt;
}

/** @returns the introspected JWT, if the token is an active JWT */
export function activeJwtOf(ctx: Context): ActiveJwt | undefined {
  return (ctx.state as State).activeJwt;
}

/**
 * Makes the introspection endpoint answer about JWT access tokens, which oidc-provider refuses with `unsupported_token_type`.
 * RFC 7662 section 2.2 allows an answer about every token, and clients can send any token to a gateway, which must find out
 * whether it is active. This runs after oidc-provider has authenticated the caller.
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
    const valid = await read(jwt);
    const apis = apisOf(valid?.aud).map(({ resource }) => resource);
    const token = mayIntrospect(client.clientId, apis) ? valid : undefined;
    ctx.status = 200;
    ctx.body = token === undefined ? { active: false } : introspectionOf(token);
    if (token !== undefined) (ctx.state as State).activeJwt = { jwt, exp: token.exp };
    if (ctx.accepts('json', SIGNED) === SIGNED && client.introspectionSignedResponseAlg)
      await sign(ctx as KoaContextWithOIDC);
  };
}

/** The claims of the JWT, with its `token_type` (RFC 7662 section 2.2). */
function introspectionOf(token: OwnAccessToken): object {
  const { jkt } = (token.cnf ?? {}) as { readonly jkt?: unknown };
  return { ...token, active: true, token_type: jkt === undefined ? 'Bearer' : 'DPoP' };
}

/** Signs the response (RFC 9701 section 5), as oidc-provider does for other tokens. */
async function sign(ctx: KoaContextWithOIDC): Promise<void> {
  const introspection = ctx.body as { readonly aud?: unknown };
  const answer = new ctx.oidc.provider.IdToken({}, { ctx } as never) as unknown as SignedAnswer;
  answer.extra = { token_introspection: introspection, aud: introspection.aud };
  ctx.body = await answer.issue({ use: 'introspection' });
  ctx.type = `${SIGNED}; charset=utf-8`;
}

interface SignedAnswer {
  extra: object;
  issue(options: { readonly use: 'introspection' }): Promise<string>;
}
