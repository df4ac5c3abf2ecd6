import {
  metadataPath,
  type ProtectedResourceMetadataOptions,
  protectedResourceMetadata,
  scopeNames,
} from '@tallystick/resource-server';
import type { ProtectedRoute, Route } from '../routes/route.ts';

/**
 * The protected resource metadata of every API (RFC 9728), as JSON text by request target. Where the metadata of several APIs is
 * at one target, it is by the host of their routes and the target: `api.example.com/.well-known/…`. An API that another URI than an
 * http one names (`urn:…`) has none.
 *
 * @param supported by the gateway, so for every API
 * @throws {TypeError} for an http URL with a fragment, or two resource indicators whose metadata would be at one place
 */
export function createResourceMetadata(
  routes: readonly Route[],
  supported: Pick<ProtectedResourceMetadataOptions, 'dpopSigningAlgorithms' | 'certificateBoundTokens'>,
): ReadonlyMap<string, string> {
  const protectedRoutes = routes.filter((route) => !route.isPublic);
  const resources = [...new Set(protectedRoutes.map((route) => route.resource))].filter(hasMetadata);
  const documents = new Map<string, string>();
  for (const resource of resources) {
    const path = metadataPath(resource);
    const isShared = resources.some((other) => other !== resource && metadataPath(other) === path);
    const ofApi = protectedRoutes.filter((route) => route.resource === resource);
    const document = JSON.stringify(
      protectedResourceMetadata({
        resource,
        authorizationServers: [...new Set(ofApi.map(({ issuer }) => issuer))],
        scopesSupported: scopesOf(ofApi),
        ...supported,
        ...(ofApi.every(({ dpop }) => dpop.required) && { dpopRequired: true }),
      }),
    );
    for (const place of isShared ? new Set(ofApi.map(({ host }) => placeAt(host, path))) : [path]) {
      if (documents.has(place)) throw new TypeError(`two resource indicators have their metadata at ${place}`);
      documents.set(place, document);
    }
  }
  return documents;
}

/** Whether the place of an API's metadata follows from its resource indicator (RFC 9728 section 3.1). */
export function hasMetadata(resource: string): boolean {
  return /^https?:/i.test(resource);
}

function placeAt(host: string | undefined, path: string): string {
  if (host === undefined || host.startsWith('*')) {
    throw new TypeError(`two resource indicators have their metadata at ${path}: each of their routes needs a host`);
  }
  return `${host}${path}`;
}

function scopesOf(routes: readonly ProtectedRoute[]): string[] {
  return [...new Set(routes.flatMap(({ scopes }) => [...scopes.values()].flatMap(scopeNames)))];
}
