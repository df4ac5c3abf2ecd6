import { createPublicKey, type JsonWebKey } from 'node:crypto';
import type { ResourceServer } from 'oidc-provider';
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
