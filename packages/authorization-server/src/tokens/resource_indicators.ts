import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import { userScopes } from '../config/user_scopes.ts';
import { createFindApi, DEFAULT_AUDIENCE, resourceOfAudience } from '../permissive/apis.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import { createApiLookup } from './api_lookup.ts';
import { resourceServerOf } from './resource_servers.ts';

type Config = Pick<
  AuthorizationServerConfig,
  | 'apis'
  | 'clients'
  | 'scopes'
  | 'defaultApi'
  | 'defaultScopes'
  | 'offlineAccessNeedsConsent'
  | 'permissive'
  | 'permissiveAccessTokens'
  | 'lifetimes'
  | 'idTokenSigningAlgorithm'
>;

/** The endpoints at which a request for scopes of a user begins. */
const AUTHORIZATION_ROUTES = new Set([
  'authorization',
  'pushed_authorization_request',
  'device_authorization',
  'backchannel_authentication',
]);

/**
 * Finds the API of a request: one per request, from `resource` (RFC 8707), from `audience`, or the default. oidc-provider asks
 * after it has validated the scopes and before it decides on pages, so the request gets its default scopes here too.
 */
export function createResourceIndicators(config: Config) {
  const lookup = createApiLookup(config, createFindApi(config));
  const ownScopes = new Set(userScopes(config));
  const apiScopes = new Set(config.apis.flatMap((api) => api.scopes));

  function needsApi(ctx: KoaContextWithOIDC): boolean {
    if (ctx.oidc.params?.grant_type === 'client_credentials') return true;
    return requestedScopes(ctx).some((scope) => apiScopes.has(scope) && !ownScopes.has(scope));
  }

  /** Completes the scopes of an authorization request. @throws {errors.InvalidScope} none of them is known */
  function completeScopes(ctx: KoaContextWithOIDC, api: ApiConfig | undefined): void {
    const { params, route } = ctx.oidc;
    if (params === undefined || !AUTHORIZATION_ROUTES.has(route)) return;
    if (!config.offlineAccessNeedsConsent) restoreOfflineAccess(ctx);
    const isKnown = (scope: string) => ownScopes.has(scope) || (api?.scopes.includes(scope) ?? false);
    if (requestedScopes(ctx).some(isKnown) || params.authorization_details !== undefined) return;
    if (isPermissiveClient(ctx.oidc.client)) {
      if (requestedScopes(ctx).length === 0) params.scope = (config.defaultScopes ?? ['openid']).join(' ');
      return;
    }
    if (config.defaultScopes === undefined) {
      const available = [...ownScopes, ...(api?.scopes ?? [])].join(' ');
      throw new errors.InvalidScope(`request at least one known scope: ${available}`, String(params.scope ?? ''));
    }
    params.scope = config.defaultScopes.join(' ');
  }

  /** The scopes that a request can get at an API. For the clients of a permissive issuer, each requested one. */
  function scopesAt(ctx: KoaContextWithOIDC, api: ApiConfig): readonly string[] {
    if (!isPermissiveClient(ctx.oidc.client)) return api.scopes;
    const requested = [...requestedScopes(ctx), ...grantedScopes(ctx)].filter((scope) => !ownScopes.has(scope));
    return [...new Set([...api.scopes, ...requested])];
  }

  return {
    enabled: true,
    /** A client that named its API in the authorization request need not name it again. */
    useGrantedResource: () => true,
    async defaultResource(
      ctx: KoaContextWithOIDC,
      _client: unknown,
      oneOf?: readonly string[],
    ): Promise<string | undefined> {
      if (oneOf) return oneOf[0];
      const api = lookup.named({ audience: rawParameter(ctx, 'audience') });
      const found = api ?? lookup.defaultFor(ctx.oidc.client?.clientId);
      if (found === undefined && config.permissive) return resourceOfAudience(DEFAULT_AUDIENCE);
      if (found === undefined && needsApi(ctx)) throw lookup.missing();
      if (found === undefined) completeScopes(ctx, undefined);
      return found?.resource;
    },
    async getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string): Promise<ResourceServer> {
      const resource = [indicator, ctx.oidc.params?.resource ?? []].flat();
      const api = lookup.named({ resource, audience: rawParameter(ctx, 'audience') }) as ApiConfig;
      completeScopes(ctx, api);
      return resourceServerOf({ ...api, scopes: scopesAt(ctx, api) });
    },
  };
}

function requestedScopes(ctx: KoaContextWithOIDC): string[] {
  const scope = ctx.oidc.params?.scope;
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
}

/** The scopes of the code, refresh token or request that a token request is based on. */
function grantedScopes({ oidc: { entities } }: KoaContextWithOIDC): string[] {
  const { AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest } = entities;
  return [AuthorizationCode, RefreshToken, DeviceCode, BackchannelAuthenticationRequest].flatMap((source) => [
    ...(source?.scopes ?? []),
  ]);
}

/**
 * oidc-provider drops offline_access from a request without `prompt=consent`. OpenID Connect Core section 11 allows other
 * conditions: here a client with the refresh_token grant is enough.
 */
function restoreOfflineAccess(ctx: KoaContextWithOIDC): void {
  const { params, client } = ctx.oidc;
  if (params === undefined || !client?.grantTypeAllowed('refresh_token')) return;
  if (client.scope !== undefined && !client.scope.split(' ').includes('offline_access')) return;
  if (params.response_type !== undefined && !String(params.response_type).includes('code')) return;
  const requested = rawParameter(ctx, 'scope')?.split(' ') ?? [];
  const scopes = requestedScopes(ctx);
  if (!requested.includes('offline_access') || scopes.includes('offline_access')) return;
  params.scope = [...scopes, 'offline_access'].join(' ');
}

/** A parameter as the client sent it. With a request object, only that counts (RFC 9101 section 6.3). */
function rawParameter(ctx: KoaContextWithOIDC, name: string): string | undefined {
  const { oidc, query } = ctx;
  const request = AUTHORIZATION_ROUTES.has(oidc.route) ? requestObjectOf(ctx) : undefined;
  const value = request === undefined ? (oidc.body?.[name] ?? query[name]) : claimsOf(request)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The request object, or the request that was pushed before (RFC 9101, RFC 9126). oidc-provider has validated it. */
function requestObjectOf({ oidc, query }: KoaContextWithOIDC): unknown {
  const pushed = oidc.entities.PushedAuthorizationRequest as { readonly request?: string } | undefined;
  return pushed?.request ?? oidc.body?.request ?? query.request;
}

function claimsOf(request: unknown): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(Buffer.from(String(request).split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return {}; // An encrypted request object.
  }
}
