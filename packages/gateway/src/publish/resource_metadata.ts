import {
  metadataPath,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
  scopeNames,
} from '@tallystick/resource-server';
import type { ProtectedRoute, Route } from '../routes/route.ts';

/**
 * Creates the protected resource metadata of every API (RFC 9728), as JSON text by request target. If several APIs have the same target,
 * the key is the host of their routes and the target: `api.example.com/.well-known/…`. An API whose resource indicator is not an http(s)
 * URL (`urn:…`) has no metadata.
 *
 * @param supported features of the gateway, and so of every API
 * @throws {TypeError} for an http URL with a fragment, or for two resource indicators with the same URL of metadata
 */
export function createResourceMetadata(
  routes: readonly Route[],
  supported: Pick<ProtectedResourceMetadataOptions, 'dpopSigningAlgorithms' | 'certificateBoundTokens'>,
): ReadonlyMap<string, string> {
  const protectedRoutes = routes.filter((route) => !route.isPublic);
  const resources = [...new Set(protectedRoutes.map((route) => route.api))].filter(hasMetadata);
  const documents = new Map<string, string>();
  for (const resource of resources) {
    const path = metadataPath(resource);
    const isShared = resources.some((other) => other !== resource && metadataPath(other) === path);
    const apiRoutes = protectedRoutes.filter((route) => route.api === resource);
    const document = JSON.stringify(
      protectedResourceMetadata({
        resource,
        authorizationServers: [...new Set(apiRoutes.map(({ issuer }) => issuer))],
        scopesSupported: scopesOf(apiRoutes),
        ...supported,
        ...(apiRoutes.every(({ config }) => config.dpop?.required) && { dpopRequired: true }),
      }),
    );
    for (const place of isShared ? new Set(apiRoutes.map(({ host }) => pathAtHost(host, path))) : [path]) {
      if (documents.has(place))
        throw new TypeError(`duplicate metadata: two resource indicators have their metadata at ${place}`);
      documents.set(place, document);
    }
  }
  return documents;
}

/** Whether an API has metadata: its resource indicator must be an http(s) URL (RFC 9728 section 3.1). */
export function hasMetadata(resource: string): boolean {
  return /^https?:/i.test(resource);
}

function pathAtHost(host: string | undefined, path: string): string {
  if (host === undefined || host.startsWith('*')) {
    throw new TypeError(`two resource indicators have their metadata at ${path}: each of their routes needs a host`);
  }
  return `${host}${path}`;
}

function scopesOf(routes: readonly ProtectedRoute[]): string[] {
  return [...new Set(routes.flatMap(({ scopes }) => [...scopes.values()].flatMap(scopeNames)))];
}
