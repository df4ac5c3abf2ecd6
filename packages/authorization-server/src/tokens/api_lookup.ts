import { errors } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import { DEFAULT_AUDIENCE, type FindApi, resourceOfAudience } from '../permissive/apis.ts';

/** The number of APIs that an error lists. */
const LISTED = 10;

/** How a request names its API. Several values count as one if they are equal. */
export interface ApiName {
  /** The resource indicator (RFC 8707). */
  readonly resource?: unknown;
  /** A synonym of `resource` (Auth0; RFC 8693 section 2.1 for token exchange). */
  readonly audience?: unknown;
}

export interface ApiLookup {
  /**
   * @returns undefined if the request names no API
   * @throws {errors.InvalidTarget} it names several APIs or an unknown one
   */
  named(name: ApiName): ApiConfig | undefined;
  /** @returns the API of requests that name none */
  defaultFor(clientId: string | undefined): ApiConfig | undefined;
  /**
   * The API of a token request: the named one, or the default.
   *
   * @throws {errors.InvalidTarget} it names several APIs or an unknown one, or none and has no default
   */
  of(name: ApiName, client: { readonly clientId: string }): ApiConfig;
  /** The error for a request that names no API and has no default. */
  missing(): Error;
}

/** Finds the API of a request. @param findOther finds an API that is not configured, at a permissive issuer */
export function createApiLookup(
  { apis, clients, ...config }: Pick<AuthorizationServerConfig, 'apis' | 'clients' | 'defaultApi'>,
  findOther: FindApi = () => undefined,
): ApiLookup {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const defaultApis = new Map(clients.map(({ id, defaultApi }) => [id, apiByResource.get(defaultApi ?? '')]));
  // A tenant shares the setting with the first issuer, but not its APIs.
  const defaultApi = apiByResource.get(config.defaultApi ?? '') ?? (apis.length === 1 ? apis[0] : undefined);

  function known(): string {
    const listed = apis.slice(0, LISTED).map((api) => api.resource);
    const more = apis.length - listed.length;
    return `known: ${listed.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  }

  function single(values: unknown, message: string): string | undefined {
    const [name, ...more] = new Set([values ?? []].flat());
    if (more.length > 0) throw new errors.InvalidTarget(message);
    return name as string | undefined;
  }

  function ofResource(resource: string): ApiConfig {
    const api = apiByResource.get(resource) ?? findOther(resource);
    if (api !== undefined) return api;
    throw new errors.InvalidTarget(`the resource is not an API of this authorization server; ${known()}`);
  }

  /** @param audience a resource indicator, or the `aud` of the API's tokens */
  function ofAudience(audience: string): ApiConfig {
    const named = apis.filter((api) => api.resource === audience || [api.audience].flat().includes(audience));
    const api = apiByResource.get(audience) ?? named[0] ?? findOther(resourceOfAudience(audience));
    if (api === undefined)
      throw new errors.InvalidTarget(`the audience is not an API of this authorization server; ${known()}`);
    if (api.resource !== audience && named.length > 1)
      throw new errors.InvalidTarget('several APIs have this audience; send the resource instead');
    return api;
  }

  function named(name: ApiName): ApiConfig | undefined {
    const resource = single(name.resource, 'request one resource at a time');
    const audience = single(name.audience, 'request one audience at a time');
    const apiOfResource = resource === undefined ? undefined : ofResource(resource);
    const apiOfAudience = audience === undefined ? undefined : ofAudience(audience);
    if (apiOfResource !== undefined && apiOfAudience !== undefined && apiOfResource.resource !== apiOfAudience.resource)
      throw new errors.InvalidTarget('resource and audience name different APIs; send one of them');
    return apiOfResource ?? apiOfAudience;
  }

  const defaultFor = (clientId: string | undefined) => defaultApis.get(clientId ?? '') ?? defaultApi;
  const missing = () => new errors.InvalidTarget(`name the API in the resource parameter (RFC 8707); ${known()}`);

  return {
    named,
    defaultFor,
    missing,
    of(name, { clientId }) {
      const api = named(name) ?? defaultFor(clientId) ?? findOther(resourceOfAudience(DEFAULT_AUDIENCE));
      if (api === undefined) throw missing();
      return api;
    },
  };
}
