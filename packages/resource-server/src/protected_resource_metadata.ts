import { requireString } from './options.ts';

/** Options of {@link protectedResourceMetadata}. */
export interface ProtectedResourceMetadataOptions {
  /** The resource indicator of the API: an http(s) URL without a fragment. */
  readonly resource: string;
  /** Issuer identifiers of the authorization servers that issue tokens for it. */
  readonly authorizationServers: readonly string[];
  readonly scopesSupported?: readonly string[];
  /** The JWS algorithms of DPoP proofs that the API accepts (RFC 9449). */
  readonly dpopSigningAlgorithms?: readonly string[];
  /** The API accepts only tokens that are bound to a DPoP key. */
  readonly dpopRequired?: true;
  /** The API accepts tokens that are bound to a client certificate (RFC 8705). */
  readonly certificateBoundTokens?: true;
  /** A name to show to people. */
  readonly resourceName?: string;
  /** URL of a page for developers. */
  readonly resourceDocumentation?: string;
}

/** The document of RFC 9728 section 2. */
export interface ProtectedResourceMetadata {
  readonly resource: string;
  readonly authorization_servers: readonly string[];
  readonly bearer_methods_supported: readonly ['header'];
  readonly scopes_supported?: readonly string[];
  readonly dpop_signing_alg_values_supported?: readonly string[];
  readonly dpop_bound_access_tokens_required?: true;
  readonly tls_client_certificate_bound_access_tokens?: true;
  readonly resource_name?: string;
  readonly resource_documentation?: string;
}

/**
 * The metadata document of an API (RFC 9728 section 2), to be served as `application/json` at {@link metadataPath}.
 *
 * @throws TypeError for a resource that is not an http(s) URL, or without an authorization server
 */
export function protectedResourceMetadata(options: ProtectedResourceMetadataOptions): ProtectedResourceMetadata {
  const { resource, authorizationServers, scopesSupported, resourceName, resourceDocumentation } = options;
  const { dpopSigningAlgorithms, dpopRequired, certificateBoundTokens } = options;
  parseResource(resource);
  if (!Array.isArray(authorizationServers) || authorizationServers.length === 0) {
    throw new TypeError('authorizationServers must name at least one issuer');
  }
  return {
    resource,
    authorization_servers: [...authorizationServers],
    bearer_methods_supported: ['header'],
    ...(scopesSupported && { scopes_supported: [...scopesSupported] }),
    ...(dpopSigningAlgorithms && { dpop_signing_alg_values_supported: [...dpopSigningAlgorithms] }),
    ...(dpopRequired && { dpop_bound_access_tokens_required: dpopRequired }),
    ...(certificateBoundTokens && { tls_client_certificate_bound_access_tokens: certificateBoundTokens }),
    ...(resourceName !== undefined && { resource_name: resourceName }),
    ...(resourceDocumentation !== undefined && { resource_documentation: resourceDocumentation }),
  };
}

/**
 * The path of an API's metadata: the well-known path, followed by the path and query of the resource indicator (RFC 9728
 * section 3.1).
 *
 * @throws TypeError unless `resource` is an http(s) URL without a fragment
 * @example
 * ```ts
 * metadataPath('https://api.example.com/orders'); // '/.well-known/oauth-protected-resource/orders'
 * ```
 */
export function metadataPath(resource: string): string {
  const { pathname, search } = parseResource(resource);
  return `/.well-known/oauth-protected-resource${pathname === '/' ? '' : pathname}${search}`;
}

function parseResource(resource: string): URL {
  requireString('resource', resource);
  const url = URL.canParse(resource) ? new URL(resource) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || resource.includes('#')) {
    throw new TypeError('resource must be an http or https URL without a fragment');
  }
  return url;
}
