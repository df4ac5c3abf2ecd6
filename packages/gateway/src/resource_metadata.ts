import {
  metadataPath,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
  scopeNames,
} from '@tallystick/resource-server';
import type { ProtectedRoute, Route } from './route.ts';

/**
 * The protected resource metadata of every API (RFC 9728), as JSON text by request target.
 *
 * @param supported by the gateway, so for every API
 * @throws {TypeError} for a resource indicator that can have no metadata, or two whose metadata would be at one place
 */
export function createResourceMetadata(
  routes: readonly Route[],
  supported: Pick<ProtectedResourceMetadataOptions, 'dpopSigningAlgorithms' | 'certificateBoundTokens'>,
): ReadonlyMap<string, string> {
  const protectedRoutes = routes.filter((route) => !route.isPublic);
  const documents = new Map<string, string>();
  for (const resource of new Set(protectedRoutes.map((route) => route.resource))) {
    const path = metadataPath(resource);
    if (documents.has(path)) throw new TypeError(`two resource indicators have their metadata at ${path}`);
    const ofApi = protectedRoutes.filter((route) => route.resource === resource);
    const document = protectedResourceMetadata({
      resource,
      authorizationServers: [...new Set(ofApi.map(({ issuer }) => issuer))],
      scopesSupported: scopesOf(ofApi),
      ...supported,
      ...(ofApi.every(({ dpop }) => dpop.required) && { dpopRequired: true }),
    });
    documents.set(path, JSON.stringify(document));
  }
  return documents;
}

function scopesOf(routes: readonly ProtectedRoute[]): string[] {
  return [...new Set(routes.flatMap(({ scopes }) => [...scopes.values()].flatMap(scopeNames)))];
}
