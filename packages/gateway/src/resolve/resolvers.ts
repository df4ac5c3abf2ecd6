import type { TokenStore } from '@tallystick/token-store';
import { type Issuer, type Issuers, issuerOf } from '../issuers.ts';
import type { ProtectedRoute, Route } from '../route.ts';
import type { Introspect } from './introspect.ts';
import { createJwtResolver } from './jwt.ts';
import { createPhantomResolver } from './phantom.ts';
import type { Resolver } from './resolver.ts';
import { createSplitResolver } from './split.ts';

export interface ResolverDependencies {
  readonly splitEntries: TokenStore['splitEntries'];
}

/**
 * The resolvers of the routes whose style has JWTs, by route.
 *
 * @throws {TypeError} when the issuer of a route is not known, or cannot be asked where it would have to be
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
    if (resolver === undefined) throw new TypeError(`${route.prefix} is ${route.style}: there is no JWT to find`);
    return resolver;
  };
}

function createResolver(
  { prefix, style, onMiss }: ProtectedRoute,
  issuer: Issuer,
  { splitEntries }: ResolverDependencies,
): Resolver | undefined {
  switch (style) {
    case 'jwt':
      return createJwtResolver();
    case 'phantom':
      return createPhantomResolver(introspectionOf(issuer, prefix));
    case 'split':
      return createSplitResolver({
        splitEntries,
        introspect: onMiss === 'introspect' ? introspectionOf(issuer, prefix) : undefined,
      });
    case 'opaque':
      return undefined;
  }
}

function introspectionOf({ issuer, introspect }: Issuer, prefix: string): Introspect {
  if (introspect === undefined) {
    throw new TypeError(`route ${prefix}: issuer ${issuer} needs an introspectionEndpoint and a client`);
  }
  return introspect;
}
