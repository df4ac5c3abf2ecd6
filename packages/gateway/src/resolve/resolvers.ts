import type { TokenStore } from '@tallystick/token-store';
import type { GatewayConfig } from '../config.ts';
import type { Route } from '../route.ts';
import { createIntrospect } from './introspect.ts';
import { createJwtResolver } from './jwt.ts';
import { createPhantomResolver } from './phantom.ts';
import type { Resolver } from './resolver.ts';
import { createSplitResolver } from './split.ts';

export interface ResolverDependencies {
  readonly splitEntries: TokenStore['splitEntries'];
  readonly fetch: typeof globalThis.fetch;
}

/** The resolvers of the styles that have JWTs, by route. */
export function createResolvers(config: GatewayConfig, { splitEntries, fetch }: ResolverDependencies) {
  const { authorizationServer, client, timeouts } = config;
  const endpoint = authorizationServer.introspectionEndpoint;
  const introspect = createIntrospect({ endpoint, client, timeout: timeouts.authorizationServer }, { fetch });
  const jwt = createJwtResolver();
  const phantom = createPhantomResolver(introspect);
  const split = createSplitResolver({ splitEntries });
  const splitOrIntrospect = createSplitResolver({ splitEntries, introspect });

  return ({ style, onMiss, prefix }: Route): Resolver => {
    switch (style) {
      case 'jwt':
        return jwt;
      case 'phantom':
        return phantom;
      case 'split':
        return onMiss === 'introspect' ? splitOrIntrospect : split;
      case 'opaque':
        throw new TypeError(`${prefix} is opaque: there is no JWT to find`);
    }
  };
}
