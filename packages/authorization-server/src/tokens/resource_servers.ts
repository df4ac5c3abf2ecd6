import { createPublicKey, type JsonWebKey } from 'node:crypto';
import { errors, type KoaContextWithOIDC, type ResourceServer } from 'oidc-provider';
import type { AccessTokenEncryption, ApiConfig } from '../config/config.ts';

/** An API as oidc-provider sees it. Only `jwt` is a format of its own; the other styles hang on the opaque one. */
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

/** Answers for the `resource` parameter (RFC 8707): one API per request, and one that exists. */
export function createResourceIndicators(apis: readonly ApiConfig[]) {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const apiScopes = new Set(apis.flatMap((api) => api.scopes));

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
      const asksForAnApi =
        ctx.oidc.params?.grant_type === 'client_credentials' ||
        requestedScopes(ctx).some((scope) => apiScopes.has(scope));
      if (asksForAnApi) throw new errors.InvalidTarget('name the API in the resource parameter (RFC 8707)');
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

/** Finds the APIs whose tokens have the whole of an audience. */
export function createApisByAudience(apis: readonly ApiConfig[]): (audience: unknown) => ApiConfig[] {
  const nameOf = (audience: unknown) => JSON.stringify([audience].flat().sort());
  const named = apis.map((api) => ({ api, name: nameOf(api.audience ?? api.resource) }));
  return (audience) => {
    const wanted = nameOf(audience);
    return named.filter(({ name }) => name === wanted).map(({ api }) => api);
  };
}

/** The resource indicator of the API that a stored token is for; undefined for none, as with a refresh token. */
export function resourceOf(token: object): string | undefined {
  const { api, aud } = token as { readonly api?: unknown; readonly aud?: unknown };
  const resource = api ?? aud;
  return typeof resource === 'string' ? resource : undefined;
}
