import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import { userScopes } from '../config/user_scopes.ts';
import { resourceServerOf } from './resource_servers.ts';

type Config = Pick<
  AuthorizationServerConfig,
  'apis' | 'clients' | 'scopes' | 'defaultApi' | 'defaultScopes' | 'offlineAccessNeedsConsent'
>;

/** The number of APIs that an error lists. */
const LISTED = 10;

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
  const { apis, clients } = config;
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const defaultApis = new Map(clients.map(({ id, defaultApi }) => [id, defaultApi]));
  // A tenant shares this setting with the first issuer, but not its APIs.
  const configuredDefault = apis.find(({ resource }) => resource === config.defaultApi);
  const defaultApi = (configuredDefault ?? (apis.length === 1 ? apis[0] : undefined))?.resource;
  const ownScopes = new Set(userScopes(config));
  const apiScopes = new Set(apis.flatMap((api) => api.scopes));

  function defaultFor(ctx: KoaContextWithOIDC): string | undefined {
    const resource = defaultApis.get(ctx.oidc.client?.clientId ?? '') ?? defaultApi;
    if (resource !== undefined) return resource;
    const needsApi =
      ctx.oidc.params?.grant_type === 'client_credentials' ||
      requestedScopes(ctx).some((scope) => apiScopes.has(scope) && !ownScopes.has(scope));
    if (needsApi) throw new errors.InvalidTarget(`name the API in the resource parameter (RFC 8707); ${known()}`);
    return undefined;
  }

  function known(): string {
    const listed = apis.slice(0, LISTED).map((api) => api.resource);
    const more = apis.length - listed.length;
    return `known: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }

  /** @throws {errors.InvalidTarget} */
  function apiOfAudience(name: string): ApiConfig {
    const named = apiByResource.get(name) ?? apis.filter(({ audience = [] }) => [audience].flat().includes(name));
    const [api, ...others] = [named].flat();
    if (api === undefined)
      throw new errors.InvalidTarget(`the audience is not an API of this authorization server; ${known()}`);
    if (others.length > 0) throw new errors.InvalidTarget('several APIs have this audience; send the resource instead');
    return api;
  }

  /** @throws {errors.InvalidTarget} */
  function apiOfResource(resource: string): ApiConfig {
    const api = apiByResource.get(resource);
    if (api === undefined)
      throw new errors.InvalidTarget(`the resource is not an API of this authorization server; ${known()}`);
    return api;
  }

  /** Completes the scopes of an authorization request. @throws {errors.InvalidScope} none of them is known */
  function completeScopes(ctx: KoaContextWithOIDC, api: ApiConfig | undefined): void {
    const { params, route } = ctx.oidc;
    if (params === undefined || !AUTHORIZATION_ROUTES.has(route)) return;
    if (!config.offlineAccessNeedsConsent) restoreOfflineAccess(ctx);
    const isKnown = (scope: string) => ownScopes.has(scope) || (api?.scopes.includes(scope) ?? false);
    if (requestedScopes(ctx).some(isKnown) || params.authorization_details !== undefined) return;
    if (config.defaultScopes === undefined) {
      const available = [...ownScopes, ...(api?.scopes ?? [])].join(' ');
      throw new errors.InvalidScope(`request at least one known scope: ${available}`, String(params.scope ?? ''));
    }
    params.scope = config.defaultScopes.join(' ');
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
      const audience = rawParameter(ctx, 'audience');
      const resource = audience === undefined ? defaultFor(ctx) : apiOfAudience(audience).resource;
      if (resource === undefined) completeScopes(ctx, undefined);
      return resource;
    },
    async getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string): Promise<ResourceServer> {
      const requested = ctx.oidc.params?.resource;
      if (Array.isArray(requested) && requested.length > 1)
        throw new errors.InvalidTarget('request one resource at a time');
      const api = apiOfResource(indicator);
      const audience = rawParameter(ctx, 'audience');
      if (audience !== undefined && apiOfAudience(audience) !== api)
        throw new errors.InvalidTarget('resource and audience name different APIs; send one of them');
      completeScopes(ctx, api);
      return resourceServerOf(api);
    },
  };
}

function requestedScopes(ctx: KoaContextWithOIDC): string[] {
  const scope = ctx.oidc.params?.scope;
  return typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
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

/** A parameter as the client sent it: in the request object, the body or the query. */
function rawParameter({ oidc, query }: KoaContextWithOIDC, name: string): string | undefined {
  const value = requestObjectOf(oidc)[name] ?? oidc.body?.[name] ?? query[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The claims of the request object, or of the request that was pushed before (RFC 9101, RFC 9126). Already validated. */
function requestObjectOf({ entities, params }: KoaContextWithOIDC['oidc']): Readonly<Record<string, unknown>> {
  const pushed = entities.PushedAuthorizationRequest as { readonly request?: string } | undefined;
  const [, payload] = (pushed?.request ?? String(params?.request ?? '')).split('.');
  if (payload === undefined) return {};
  try {
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  } catch {
    return {}; // An encrypted request object.
  }
}
