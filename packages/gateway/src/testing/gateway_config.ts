import type { DeepReadonly } from '@tallystick/common/config';
import type { z } from 'zod';
import { type GatewayConfig, gatewayConfig } from '../config/config.ts';
import type { AccessTokenStyle } from '../config/route.ts';
import { issuer } from './authorization_server.ts';

/** A configuration as tests write it. */
export type GatewayInput = DeepReadonly<z.input<typeof gatewayConfig>>;
export type RouteInput = GatewayInput['routes'][number];

export const styles: readonly AccessTokenStyle[] = ['jwt', 'opaque', 'phantom', 'split'];
export const api = (name: string) => `https://api.example.com/${name}`;

/** A route to the API whose name is its style. */
export function route(name: AccessTokenStyle, upstream: string): RouteInput {
  return { prefix: `/${name}`, upstream, api: api(name), scopes: { GET: ['read'], '*': ['write'] } };
}

/** Fills in the defaults. There is also an API of each style, and any other API of a route is phantom unless it is given. */
export function gatewayConfigOf(input: Partial<GatewayInput>): GatewayConfig {
  const { apis = [], routes = [route('phantom', 'http://localhost:4200')] } = input;
  const known = [...apis, ...styles.map((style) => ({ resource: api(style), accessTokens: style }))];
  const others = routes
    .flatMap((each) => each.api ?? [])
    .filter((name) => known.every(({ resource }) => resource !== name));
  return gatewayConfig.parse(
    {
      issuer,
      authorizationServer: { introspectionEndpoint: 'http://127.0.0.1:9/i', jwksUri: 'http://127.0.0.1:9/j' },
      client: { id: 'gateway', secret: 'secret' },
      ...input,
      routes,
      apis: [...known, ...others.map((resource) => ({ resource, accessTokens: 'phantom' }))],
    },
    { jitless: true },
  );
}
