import type { Route } from '../routes/route.ts';
import type { UpstreamHealth } from '../routes/upstream_pool.ts';

/** The upstreams of one route, which is known by its place. */
export interface RouteHealth {
  readonly host: string | undefined;
  readonly prefix: string;
  readonly upstreams: readonly UpstreamHealth[];
}

export function upstreamHealth(routes: readonly Route[]): RouteHealth[] {
  return routes.map(({ host, prefix, forwarding }) => ({ host, prefix, upstreams: forwarding.upstreams.health() }));
}
