import type { RequiredScopes } from '@tallystick/resource-server';
import type { TokenCookie } from '../authorize/token_cookie.ts';
import type { GatewayConfig } from '../config/config.ts';
import { defaultCsrfHeader } from '../config/default_headers.ts';
import { accessTokensOf, audienceOf, prefixAtApi } from '../config/derived.ts';
import type { AccessTokenStyle, RouteConfig } from '../config/route.ts';
import { createForwarding, type Forwarding } from './forwarding.ts';
import { createRewrite, type Rewrite } from './rewrite.ts';
import { type TokenIssuer, tokenShape } from './token_shape.ts';

/** A prepared {@link RouteConfig}. */
export type Route = ProtectedRoute | PublicRoute;

interface AnyRoute {
  readonly config: RouteConfig;
  /** In lower case; undefined for any. */
  readonly host: string | undefined;
  readonly prefix: string;
  /** Undefined if the target is not rewritten. */
  readonly rewrite: Rewrite | undefined;
  readonly forwarding: Forwarding;
}

/** A route whose calls need an access token. */
export interface ProtectedRoute extends AnyRoute {
  readonly isPublic: false;
  readonly accessTokens: AccessTokenStyle;
  /** Resource indicator (RFC 8707). */
  readonly api: string;
  /** A token must name one of them. */
  readonly audience: readonly string[];
  /** The issuer of its tokens. */
  readonly issuer: string;
  /** The shape of a client-held token. Any other token is refused without a lookup. */
  readonly tokenShape: RegExp;
  /** Tokens of different partitions are cached separately: style, issuer and audience determine what a token resolves to. */
  readonly cachePartition: string;
  /** Undefined if access tokens are in `Authorization`. */
  readonly tokenCookie: TokenCookie | undefined;
  readonly dpopNonce: GatewayConfig['dpop']['nonce'];
  /** Scopes by method; `*` stands for every method that is not named. */
  readonly scopes: ReadonlyMap<string, RequiredScopes>;
}

/** A route without access tokens: a token that a client sends is neither checked nor forwarded. */
export interface PublicRoute extends AnyRoute {
  readonly isPublic: true;
  readonly accessTokens?: undefined;
  readonly api?: undefined;
}

/**
 * @param now epoch milliseconds
 * @throws {TypeError} for an invalid route
 */
export function createRoute(config: RouteConfig, gateway: GatewayConfig, now: () => number): Route {
  const common = {
    config,
    host: config.host?.toLowerCase(),
    prefix: config.prefix,
    rewrite: config.rewrite && createRewrite(config.prefix, prefixAtApi(config)),
    forwarding: createForwarding(config, gateway, now),
  };
  return config.public ? { ...common, isPublic: true } : { ...common, ...protection(config, gateway) };
}

function protection(config: RouteConfig, gateway: GatewayConfig): Omit<ProtectedRoute, keyof AnyRoute> {
  const { prefix, api, issuer = gateway.issuer } = config;
  const accessTokens = accessTokensOf(config, gateway.apis);
  if (api === undefined || accessTokens === undefined) {
    throw new TypeError(`route ${prefix}: expected an API and its access token style, or a public route`);
  }
  const audience = audienceOf({ ...config, api }, gateway.apis);
  return {
    isPublic: false,
    accessTokens,
    api,
    audience,
    issuer,
    tokenShape: tokenShape(accessTokens, tokenIssuer(issuer, gateway)),
    cachePartition: JSON.stringify([accessTokens, config.onMiss, issuer, api, ...audience]),
    tokenCookie: config.tokenCookie && tokenCookieOf(config.tokenCookie, gateway),
    dpopNonce: config.dpop?.nonce ?? gateway.dpop.nonce,
    scopes: new Map(Object.entries(config.scopes ?? { '*': [] })),
  };
}

function tokenIssuer(name: string, { issuer, introspection, issuers }: GatewayConfig): TokenIssuer {
  const isForeign = name !== issuer;
  const asked = isForeign ? issuers.find((other) => other.issuer === name)?.introspection : introspection;
  return { tokenPattern: asked?.tokenPattern, isForeign };
}

/** By default, the cookie has the rules of the token handler that sets it. */
function tokenCookieOf(
  { name, origins, csrfHeader }: NonNullable<RouteConfig['tokenCookie']>,
  { tokenHandlers }: GatewayConfig,
): TokenCookie {
  const handler = tokenHandlers.find(({ cookie }) => cookie === name);
  return {
    name,
    origins: new Set(origins ?? handler?.origins),
    csrfHeader: (csrfHeader ?? handler?.csrfHeader ?? defaultCsrfHeader).toLowerCase(),
  };
}
