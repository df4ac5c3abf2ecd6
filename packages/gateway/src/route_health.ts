import type { UpstreamHealth } from './forward/upstream_pool.ts';
import type { Route } from './route.ts';

/** The upstreams of one route, which is known by its place. */
export interface RouteHealth {
  readonly host: string | undefined;
  readonly prefix: string;
  readonly upstreams: readonly UpstreamHealth[];
}

export function upstreamHealth(routes: readonly Route[]): RouteHealth[] {
  return routes.map(({ host, prefix, forwarding }) => ({ host, prefix, upstreams: forwarding.upstreams.health() }));
}
