import type { Config } from '../schema.ts';

type Route = Config['gateway']['routes'][number];

/** The server behind a route, if the route or its API names one. Undefined for a route with several. */
export function upstreamOf(
  { upstream, upstreams, api, issuer }: Route,
  { issuer: own, apis }: Pick<Config, 'issuer' | 'apis'>,
): string | undefined {
  if (upstream !== undefined || upstreams !== undefined || (issuer ?? own) !== own) return upstream;
  return apis.find(({ resource }) => resource === api)?.upstream;
}

/** Whether the gateway sends the calls of this route to the sample API. */
export function leadsToSampleApi(route: Route, config: Pick<Config, 'issuer' | 'apis'>): boolean {
  return upstreamOf(route, config) === undefined && route.upstreams === undefined && !route.public;
}
