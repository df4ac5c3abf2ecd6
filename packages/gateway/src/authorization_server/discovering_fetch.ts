import { readBody } from '@tallystick/common';

/** Maximum size of a document, in bytes. */
const MAX_BYTES = 1024 * 1024;

/**
 * A `fetch` that ignores its URL and fetches the keys of an authorization server from the `jwks_uri` of its metadata (RFC 8414
 * section 3, else OpenID Connect Discovery section 4). It reads the metadata each time, so it follows a `jwks_uri` that changes.
 *
 * It rejects when the issuer has no metadata, or its metadata is invalid.
 */
export function createDiscoveringFetch(issuer: string, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (_url, init) => {
    for (const url of metadataUrls(issuer)) {
      const response = await fetch(url, init);
      if (response.status === 200) return fetch(jwksUri(issuer, await readBody(response.body, MAX_BYTES)), init);
      await response.body?.cancel();
    }
    throw new Error('the issuer has no metadata');
  };
}

/** RFC 8414 section 3.1 puts the well-known segment before the path of the issuer. OpenID Connect Discovery puts it after. */
export function metadataUrls(issuer: string): [string, string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/** RFC 8414 section 3.3: metadata of another issuer must not be used. An https issuer must have an https `jwks_uri`. */
function jwksUri(issuer: string, body: Buffer | undefined): string {
  const metadata: unknown = JSON.parse(body?.toString() ?? 'null');
  const { issuer: named, jwks_uri: uri } = (metadata ?? {}) as Record<string, unknown>;
  if (named !== issuer) throw new Error('the metadata belongs to another issuer');
  const protocol = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri).protocol : undefined;
  if (typeof uri !== 'string' || (protocol !== 'https:' && protocol !== new URL(issuer).protocol)) {
    throw new Error('the metadata has no valid jwks_uri');
  }
  return uri;
}
