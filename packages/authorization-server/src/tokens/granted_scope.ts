import type { Middleware } from 'koa';
import { type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { userScopes } from '../config/user_scopes.ts';

type Config = Pick<AuthorizationServerConfig, 'apis' | 'scopes'>;
type OIDCContext = KoaContextWithOIDC['oidc'];

/** What a token request is based on. Each has the scopes that were granted to it. */
const SOURCES = ['AuthorizationCode', 'RefreshToken', 'DeviceCode', 'BackchannelAuthenticationRequest'] as const;

const AUTHORIZATION_ROUTES = new Set(['authorization', 'resume']);

/** @returns the scopes of OpenID Connect that a token request grants, whatever API its token is for */
export type GrantedUserScopes = (oidc: OIDCContext) => string[];

export function createGrantedUserScopes(config: Pick<Config, 'scopes'>): GrantedUserScopes {
  const ownScopes = new Set(userScopes(config));
  return ({ entities: { Grant: grant, ...entities }, params, route }) => {
    const source = SOURCES.map((name) => entities[name]).find((entity) => entity !== undefined);
    // The implicit grant is based on the authorization request itself.
    const isBased = source !== undefined || AUTHORIZATION_ROUTES.has(route);
    if (grant === undefined || !isBased) return [];
    const requested = params?.scope === undefined ? source?.scopes : new Set(String(params.scope).split(' '));
    return grant
      .getOIDCScopeFiltered(requested ?? new Set())
      .split(' ')
      .filter((scope) => ownScopes.has(scope));
  };
}

/**
 * Adds the granted scopes of OpenID Connect to the `scope` of a token response (RFC 6749 section 5.1). For a token of an API
 * oidc-provider lists only the scopes of the API.
 */
export function completeGrantedScope(grantedUserScopes: GrantedUserScopes): Middleware {
  return async (ctx, next) => {
    await next();
    const { oidc } = ctx as unknown as Partial<KoaContextWithOIDC>;
    const body = ctx.body as { scope?: string; access_token?: string } | undefined;
    if (oidc?.route !== 'token' || body?.access_token === undefined) return;
    const scopes = new Set([...grantedUserScopes(oidc), ...(body.scope ?? '').split(' ').filter(Boolean)]);
    if (scopes.size > 0) body.scope = [...scopes].join(' ');
  };
}

interface FoundToken {
  readonly scopes: ReadonlySet<string>;
  readonly resource?: string | readonly string[];
}

/**
 * Lets a client refresh with the scope of its authorization request. That request may have had scopes that were ignored, and
 * oidc-provider would refuse them here.
 */
export function ignoreUnknownScopesAtRefresh(provider: Provider, config: Config): void {
  const RefreshToken = provider.RefreshToken as unknown as {
    find(...args: unknown[]): Promise<FoundToken | undefined>;
  };
  const { find } = RefreshToken;
  const ownScopes = new Set(userScopes(config));
  const scopesOf = new Map(config.apis.map((api) => [api.resource, api.scopes]));
  RefreshToken.find = async (...args) => {
    const token = await find.apply(RefreshToken, args);
    const params = Provider.ctx?.oidc.route === 'token' ? Provider.ctx.oidc.params : undefined;
    if (token === undefined || typeof params?.scope !== 'string') return token;
    const known = new Set([...ownScopes, ...[token.resource ?? []].flat().flatMap((api) => scopesOf.get(api) ?? [])]);
    known.delete('offline_access');
    const kept = params.scope.split(' ').filter((scope) => known.has(scope) || token.scopes.has(scope));
    if (kept.length > 0) params.scope = kept.join(' ');
    return token;
  };
}
