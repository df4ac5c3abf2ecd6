import { metadataPath, protectedResourceMetadata } from '@tallystick/resource-server';
import type { RouteConfig } from './config.ts';

/**
 * The protected resource metadata of every API (RFC 9728), as JSON text by request target.
 *
 * @throws {TypeError} for a resource indicator that can have no metadata, or two whose metadata would be at one place
 */
export function createResourceMetadata(issuer: string, routes: readonly RouteConfig[]): ReadonlyMap<string, string> {
  const resources = new Set(routes.map(({ resource }) => resource));
  const documents = new Map<string, string>();
  for (const resource of resources) {
    const path = metadataPath(resource);
    if (documents.has(path)) throw new TypeError(`two resource indicators have their metadata at ${path}`);
    const document = protectedResourceMetadata({
      resource,
      authorizationServers: [issuer],
      scopesSupported: scopesOf(routes.filter((route) => route.resource === resource)),
    });
    documents.set(path, JSON.stringify(document));
  }
  return documents;
}

function scopesOf(routes: readonly RouteConfig[]): string[] {
  return [...new Set(routes.flatMap(({ scopes }) => Object.values(scopes).flat()))];
}
