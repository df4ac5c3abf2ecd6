import type { TokenStore } from '@tallystick/token-store';
import type { Introspect } from '../authorization_server/introspect.ts';
import { type Issuer, type Issuers, issuerOf } from '../authorization_server/issuers.ts';
import type { ProtectedRoute, Route } from '../routes/route.ts';
import type { OwnJwts } from './own_jwts.ts';
import { createPhantomResolver, createTranslate } from './phantom.ts';
import type { Resolver } from './resolver.ts';
import { createSplitResolver } from './split.ts';

export interface ResolverDependencies {
  readonly splitEntries: TokenStore['splitEntries'];
  /** The JWTs that the gateway makes, if it makes any. */
  readonly ownJwts: OwnJwts | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Creates the resolvers of the routes whose style has JWTs.
 *
 * @throws {TypeError} when the issuer of a route is unknown, or needs an introspection endpoint and has none
 */
export function createResolvers(
  routes: readonly Route[],
  issuers: Issuers,
  dependencies: ResolverDependencies,
): (route: ProtectedRoute) => Resolver {
  const resolvers = new Map<ProtectedRoute, Resolver>();
  for (const route of routes) {
    if (route.isPublic) continue;
    const resolver = createResolver(route, issuerOf(issuers, route), dependencies);
    if (resolver !== undefined) resolvers.set(route, resolver);
  }
  return (route) => {
    const resolver = resolvers.get(route);
    if (resolver === undefined)
      throw new TypeError(`route ${route.prefix}: the style ${route.accessTokens} has no JWT`);
    return resolver;
  };
}

function createResolver(
  { prefix, accessTokens, config, audience }: ProtectedRoute,
  issuer: Issuer,
  { splitEntries, ownJwts, now }: ResolverDependencies,
): Resolver | undefined {
  switch (accessTokens) {
    case 'jwt':
      return createJwtResolver();
    case 'phantom':
      return createPhantomResolver({
        introspect: requireIntrospection(issuer, prefix),
        translate: createTranslate({ ...issuer, audience }, { ownJwts, now }),
      });
    case 'split':
      return createSplitResolver({
        splitEntries,
        introspect: config.onMiss === 'introspect' ? requireIntrospection(issuer, prefix) : undefined,
        introspectEvicted: issuer.introspection?.introspect,
      });
    case 'opaque':
      return undefined;
  }
}

function requireIntrospection({ issuer, introspection }: Issuer, prefix: string): Introspect {
  if (introspection === undefined) {
    throw new TypeError(`route ${prefix}: issuer ${issuer} needs an introspectionEndpoint and a client`);
  }
  return introspection.introspect;
}

/** `jwt`: the client holds the JWT itself. The cache keeps the result of its validation only. */
function createJwtResolver(): Resolver {
  return {
    async find({ credentials }) {
      return { jwt: credentials.token, source: 'client', maxAge: Number.POSITIVE_INFINITY };
    },
    keep: () => '',
    join: (_kept, token) => token,
  };
}
