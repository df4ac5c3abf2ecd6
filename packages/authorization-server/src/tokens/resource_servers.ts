import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { AccessTokenEncryption, ApiConfig } from '../config/config.ts';

/** Converts an API to oidc-provider's resource server. All styles but `jwt` are based on the format `opaque`. */
export function resourceServerOf(api: ApiConfig): ResourceServer {
  return {
    scope: api.scopes.join(' '),
    audience: api.resource,
    accessTokenFormat: api.accessTokens === 'jwt' ? 'jwt' : 'opaque',
    jwt: {
      sign: api.signingAlgorithm === undefined ? {} : { alg: api.signingAlgorithm },
      ...(api.encryption && { encrypt: encryptionFor(api.encryption) }),
    },
  } as ResourceServer;
}

function encryptionFor({ alg, enc, jwk }: AccessTokenEncryption) {
  const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' });
  return { alg, enc, key, ...(typeof jwk.kid === 'string' && { kid: jwk.kid }) };
}

/** Creates oidc-provider's `resourceIndicators` feature (RFC 8707): a request names exactly one known API. */
export function createResourceIndicators(apis: readonly ApiConfig[]) {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const apiScopes = new Set(apis.flatMap((api) => api.scopes));

  return {
    enabled: true,
    /** The token request may omit a resource that the authorization request named. */
    useGrantedResource: () => true,
    async defaultResource(
      ctx: KoaContextWithOIDC,
      _client: unknown,
      oneOf?: readonly string[],
    ): Promise<string | undefined> {
      if (oneOf) return oneOf[0];
      const needsApi =
        ctx.oidc.params?.grant_type === 'client_credentials' ||
        requestedScopes(ctx).some((scope) => apiScopes.has(scope));
      if (needsApi) throw new errors.InvalidTarget('name the API in the resource parameter (RFC 8707)');
      return undefined;
    },
    async getResourceServerInfo(ctx: KoaContextWithOIDC, indicator: string): Promise<ResourceServer> {
      const requested = ctx.oidc.params?.resource;
      if (Array.isArray(requested) && requested.length > 1)
        throw new errors.InvalidTarget('request one resource at a time');
      const api = apiByResource.get(indicator);
      if (!api) throw new errors.InvalidTarget('the resource is not an API of this authorization server');
      return resourceServerOf(api);
    },
  };
}

function requestedScopes(ctx: KoaContextWithOIDC): string[] {
  const scope = ctx.oidc.params?.scope;
  return typeof scope === 'string' ? scope.split(' ') : [];
}

/** Creates the lookup of APIs by the complete audience of a token. */
export function createApisByAudience(apis: readonly ApiConfig[]): (audience: unknown) => ApiConfig[] {
  const nameOf = (audience: unknown) => JSON.stringify([audience].flat().sort());
  const named = apis.map((api) => ({ api, name: nameOf(api.audience ?? api.resource) }));
  return (audience) => {
    const wanted = nameOf(audience);
    return named.filter(({ name }) => name === wanted).map(({ api }) => api);
  };
}

/** The resource indicator of a stored token's API; undefined for a token without one, such as a refresh token. */
export function resourceOf(token: object): string | undefined {
  const { api, aud } = token as { readonly api?: unknown; readonly aud?: unknown };
  const resource = api ?? aud;
  return typeof resource === 'string' ? resource : undefined;
}
