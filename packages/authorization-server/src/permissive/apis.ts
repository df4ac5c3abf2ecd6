import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';

type Config = Pick<
  AuthorizationServerConfig,
  'apis' | 'permissive' | 'permissiveAccessTokens' | 'lifetimes' | 'idTokenSigningAlgorithm'
>;

/** Characters of an API's name that a permissive issuer accepts at most. */
const MAX_NAME = 512;

/** Resource indicators of audiences that are not URIs, which RFC 8707 section 2 does not allow. */
const AUDIENCE_URN = 'urn:tallystick:audience:';

/** The audience at a permissive issuer of a request that names none. */
export const DEFAULT_AUDIENCE = 'default';

/** The API of a resource indicator. */
export type FindApi = (resource: string) => ApiConfig | undefined;

/**
 * Finds the configured API of a resource indicator. A permissive issuer has an API for every other one too. It is computed from
 * its name each time, so clients cannot fill the memory with names.
 */
export function createFindApi(config: Config): FindApi {
  const configured = new Map(config.apis.map((api) => [api.resource, api]));
  if (!config.permissive) return (resource) => configured.get(resource);
  const audiences = new Set(config.apis.flatMap(({ audience = [] }) => audience));
  return (resource) => {
    const known = configured.get(resource);
    if (known !== undefined) return known;
    const api = permissiveApi(resource, config);
    // An audience belongs to its configured API, which can have another access token style.
    return audiences.has(String(api?.audience ?? resource)) ? undefined : api;
  };
}

/** The resource indicator of an audience that no configured API has. */
export function resourceOfAudience(audience: string): string {
  return URL.canParse(audience)
    ? audience
    : AUDIENCE_URN + encodeURIComponent(audience.replace(/\p{Surrogate}/gu, '\ufffd'));
}

function permissiveApi(resource: string, config: Config): ApiConfig | undefined {
  if (resource.length > MAX_NAME || resource.includes('#') || !URL.canParse(resource)) return undefined;
  const audience = audienceOf(resource);
  return {
    resource,
    ...(audience !== undefined && { audience }),
    accessTokens: config.permissiveAccessTokens,
    scopes: [],
    accessTokenLifetime: config.lifetimes.accessToken,
    // As mocks do: libraries for APIs expect RS256 in the configuration of their READMEs.
    signingAlgorithm: config.idTokenSigningAlgorithm,
    claims: [],
    authorizationDetailsTypes: [],
  };
}

function audienceOf(resource: string): string | undefined {
  if (!resource.startsWith(AUDIENCE_URN)) return undefined;
  try {
    const audience = decodeURIComponent(resource.slice(AUDIENCE_URN.length));
    // A URI is a resource indicator itself. Under this name it would have another access token style.
    return audience === '' || URL.canParse(audience) ? undefined : audience;
  } catch {
    return undefined;
  }
}
