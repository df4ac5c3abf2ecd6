import { type RequiredScopes, scopeNames } from '@tallystick/resource-server';
import type { TokenCookie } from '../authorize/token_cookie.ts';
import type {
  AccessTokenStyle,
  DPoPNoncePolicy,
  GatewayConfig,
  ProtectedRouteConfig,
  RouteConfig,
} from '../config/config.ts';
import { createForwarding, type Forwarding, type ForwardingDefaults } from './forwarding.ts';
import { normalizeHostPattern } from './host.ts';
import { createRewrite, type Rewrite } from './rewrite.ts';
import { tokenShape } from './token_shape.ts';

/** A {@link RouteConfig}, checked and made ready for use. */
export type Route = ProtectedRoute | PublicRoute;

interface AnyRoute {
  /** In lower case; undefined for any. */
  readonly host: string | undefined;
  readonly prefix: string;
  /** Undefined where the target stays as it is. */
  readonly rewrite: Rewrite | undefined;
  readonly forwarding: Forwarding;
}

/** A route whose calls need an access token. */
export interface ProtectedRoute extends AnyRoute {
  readonly isPublic: false;
  readonly style: AccessTokenStyle;
  readonly resource: string;
  /** A token for any one of them is for this API. */
  readonly audience: readonly string[];
  /** Who issues its tokens. */
  readonly issuer: string;
  readonly onMiss: 'refuse' | 'introspect';
  /** What a client-held token looks like; another is refused without a lookup. */
  readonly tokenShape: RegExp;
  /** Tokens of different partitions are cached apart: style, issuer and audience decide what a token resolves to. */
  readonly cachePartition: string;
  /** Where access tokens come from, if it is not `Authorization`. */
  readonly tokenCookie?: TokenCookie;
  /** Begins the subprotocol of a WebSocket that holds the token, if there may be one. */
  readonly tokenSubprotocol: string | undefined;
  readonly accessTokenInQuery: 'refuse' | 'forward';
  readonly dpop: RouteDPoP;
  /** Method, or `*`, to scopes. */
  readonly scopes: ReadonlyMap<string, RequiredScopes>;
}

/** How DPoP proofs are dealt with (RFC 9449). */
export interface RouteDPoP {
  /** No other tokens are taken. */
  readonly required: boolean;
  /** The API gets the proof, to check it for itself. */
  readonly forward: boolean;
  readonly nonce: DPoPNoncePolicy;
}

/** A route without access tokens: what a client sends for one is not looked at and not passed on. */
export interface PublicRoute extends AnyRoute {
  readonly isPublic: true;
  readonly style?: undefined;
  readonly resource?: undefined;
}

/** What holds for a route that does not say otherwise. */
export type RouteDefaults = ForwardingDefaults & Pick<GatewayConfig, 'issuer' | 'dpop'>;

const membersOfProtectedRoutes = [
  'resource',
  'audience',
  'issuer',
  'style',
  'tokenPattern',
  'tokenCookie',
  'tokenSubprotocol',
  'accessTokenInQuery',
  'scopes',
  'onMiss',
  'dpop',
];

/**
 * @param now epoch milliseconds
 * @throws {TypeError} for a route that cannot be served
 */
export function createRoute(config: RouteConfig, defaults: RouteDefaults, now: () => number): Route {
  const { prefix } = config;
  if (prefix !== '/' && !/^(?:\/[\w~.-]*[\w~-])+$/.test(prefix)) {
    throw new TypeError(`the prefix of a route must be "/" or segments like "/orders/v1": ${JSON.stringify(prefix)}`);
  }
  const host = config.host === undefined ? undefined : normalizeHostPattern(config.host);
  const rewrite = config.rewrite && createRewrite(prefix, config.rewrite);
  const place = { host, prefix, rewrite, forwarding: createForwarding(config, defaults, now) };
  if (config.public !== true) return { ...place, ...protection(config, defaults.issuer, defaults.dpop?.nonce) };
  for (const member of membersOfProtectedRoutes) {
    if (member in config) throw new TypeError(`route ${prefix}: a public route must not have ${member}`);
  }
  return { ...place, isPublic: true };
}

function protection(
  config: ProtectedRouteConfig,
  ownIssuer: string,
  dpopNonce: DPoPNoncePolicy = 'off',
): Omit<ProtectedRoute, keyof AnyRoute> {
  const { prefix, style, resource, issuer = ownIssuer, onMiss = 'refuse' } = config;
  if (!['jwt', 'opaque', 'phantom', 'split'].includes(style)) {
    throw new TypeError(`route ${prefix}: the access token style must be jwt, opaque, phantom or split`);
  }
  if (typeof resource !== 'string' || !URL.canParse(resource)) {
    throw new TypeError(`route ${prefix}: the resource must be an absolute URI (RFC 8707)`);
  }
  const audience = [config.audience ?? resource].flat();
  if (audience.length === 0 || !audience.every((name) => typeof name === 'string' && name !== '')) {
    throw new TypeError(`route ${prefix}: the audience must be a resource indicator, or a list of them`);
  }
  const { required = false, forward = false, nonce = dpopNonce } = config.dpop ?? {};
  if (forward && style === 'phantom') {
    throw new TypeError(`route ${prefix}: dpop.forward is not for phantom: the API never sees what the proof is about`);
  }
  if (required && config.tokenCookie) {
    throw new TypeError(`route ${prefix}: dpop.required is not for tokens in a cookie, which come without a proof`);
  }
  const dpop = { required, forward, nonce };
  const { tokenSubprotocol, accessTokenInQuery = 'refuse' } = config;
  if (tokenSubprotocol !== undefined && !/^[\w!#$%&'*+.^`|~-]+\.$/.test(tokenSubprotocol)) {
    throw new TypeError(
      `route ${prefix}: tokenSubprotocol must be a prefix like "access_token.", with a dot at its end`,
    );
  }
  if (tokenSubprotocol !== undefined && config.tokenCookie) {
    throw new TypeError(
      `route ${prefix}: tokenSubprotocol is not for tokens in a cookie, which browsers send with a WebSocket`,
    );
  }
  const scopes = new Map(Object.entries(config.scopes).map(([method, names]) => [method.toUpperCase(), names]));
  for (const required of scopes.values()) requireSatisfiable(prefix, required);
  const cachePartition = JSON.stringify([style, onMiss, issuer, resource, ...audience]);
  return {
    ...{ isPublic: false, style, resource, audience, issuer, onMiss, cachePartition, dpop, scopes },
    tokenSubprotocol,
    accessTokenInQuery,
    tokenShape: tokenShape(style, { pattern: config.tokenPattern, isForeign: issuer !== ownIssuer }),
    ...(config.tokenCookie && { tokenCookie: tokenCookieOf(config.tokenCookie) }),
  };
}

function requireSatisfiable(prefix: string, required: RequiredScopes): void {
  if (Array.isArray(required) || scopeNames(required).length > 0) return;
  throw new TypeError(`route ${prefix}: scopes must be a list, or an object with allOf or anyOf that is not empty`);
}

function tokenCookieOf({ name, origins, csrfHeader }: NonNullable<ProtectedRouteConfig['tokenCookie']>): TokenCookie {
  return { name, origins: new Set(origins), csrfHeader: csrfHeader.toLowerCase() };
}
