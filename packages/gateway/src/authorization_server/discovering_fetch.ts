import { readBody } from '@tallystick/common';

/** The largest document that is read, in bytes. */
const maximumBytes = 1024 * 1024;

/**
 * A `fetch` that gets the keys of an authorization server from where its metadata says they are (RFC 8414 section 3, else OpenID
 * Connect Discovery section 4), whatever URL it is given. The metadata is read for every fetch: keys that move are found again.
 *
 * It rejects when there is no metadata of this issuer, or none that can be believed.
 */
export function createDiscoveringFetch(issuer: string, fetch: typeof globalThis.fetch): typeof globalThis.fetch {
  return async (_url, init) => {
    for (const url of metadataUrls(issuer)) {
      const response = await fetch(url, init);
      if (response.status === 200) return fetch(jwksUri(issuer, await readBody(response.body, maximumBytes)), init);
      await response.body?.cancel();
    }
    throw new Error('the issuer has no metadata');
  };
}

/** RFC 8414 section 3.1 puts the well-known part before the path of the issuer, OpenID Connect puts it after. */
export function metadataUrls(issuer: string): [string, string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
}

/** RFC 8414 section 3.3: metadata of another issuer is not to be used. What is on https does not lead away from it. */
function jwksUri(issuer: string, body: Buffer | undefined): string {
  const metadata: unknown = JSON.parse(body?.toString() ?? 'null');
  const { issuer: named, jwks_uri: uri } = (metadata ?? {}) as Record<string, unknown>;
  if (named !== issuer) throw new Error('the metadata is that of another issuer');
  const protocol = typeof uri === 'string' && URL.canParse(uri) ? new URL(uri).protocol : undefined;
  if (typeof uri !== 'string' || (protocol !== 'https:' && protocol !== new URL(issuer).protocol)) {
    throw new Error('the metadata does not say where the keys are');
  }
  return uri;
}
