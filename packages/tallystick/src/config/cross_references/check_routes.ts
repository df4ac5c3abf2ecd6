import { isLoopbackName } from '@tallystick/common';
import type { Refuse } from '@tallystick/common/config';
import { prefixAtApi } from '@tallystick/gateway/config';
import type { Config } from '../schema.ts';
import { leadsToSampleApi, upstreamOf } from './sample_api_routes.ts';

type Route = Config['gateway']['routes'][number];
type Path = readonly (string | number)[];

/** Refuses routes that lead to the gateway itself, or to the sample API if it cannot serve them. */
export function checkRoutes(config: Config, refuse: Refuse): void {
  const { routes } = config.gateway;
  for (const [index, route] of routes.entries()) {
    const path = ['gateway', 'routes', index];
    checkUpstream(route, path, config, refuse);
    checkLoop(route, path, config, refuse);
  }
  for (const [index, api] of config.apis.entries()) checkLoop(api, ['apis', index], config, refuse);
  checkSampleApi(config, refuse);
}

/** The sample API needs a token with every call, and validates it with the keys of our own issuer. */
function checkUpstream(route: Route, path: Path, config: Config, refuse: Refuse): void {
  const { issuer } = config;
  if (upstreamOf(route, config) !== undefined || route.upstreams !== undefined) return;
  if (route.public) {
    refuse([...path, 'upstream'], 'expected an origin: the sample API serves no calls without a token', undefined);
  } else if (route.issuer !== undefined && route.issuer !== issuer) {
    refuse([...path, 'upstream'], 'expected an origin: the sample API does not trust other issuers', undefined);
  }
}

/** Refuses an upstream that is obviously the gateway itself. */
function checkLoop(
  { upstream, upstreams = [] }: Pick<Route, 'upstream' | 'upstreams'>,
  path: Path,
  { host, gateway }: Config,
  refuse: Refuse,
): void {
  const isOwn = (origin: string) => leadsTo(origin, { host, port: gateway.port });
  const expected = 'expected another server: this is the gateway itself';
  if (upstream !== undefined && isOwn(upstream)) refuse([...path, 'upstream'], expected, upstream);
  for (const [index, origin] of upstreams.entries()) {
    if (isOwn(origin)) refuse([...path, 'upstreams', index], expected, origin);
  }
}

/** @param server its address; port 0 is not known yet, and matches nothing */
function leadsTo(origin: string, server: { readonly host: string; readonly port: number }): boolean {
  const { hostname, port, protocol } = new URL(origin);
  const usualPort = protocol === 'https:' ? 443 : 80;
  if ((port === '' ? usualPort : Number(port)) !== server.port) return false;
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  return hostname === host || (isLoopbackName(hostname) && /^(?:localhost|127\..*|0\.0\.0\.0|\[::1?\])$/.test(host));
}

/** The sample API tells APIs apart by path only, and must not confuse them. */
function checkSampleApi(config: Config, refuse: Refuse): void {
  const routes = config.gateway.routes.filter((route) => leadsToSampleApi(route, config));
  for (const [position, route] of routes.entries()) {
    const index = config.gateway.routes.indexOf(route);
    if (routes.slice(0, position).some((other) => isMistakenFor(route, other))) {
      const expected = 'expected an origin: the sample API would confuse the calls with those of another route';
      refuse(['gateway', 'routes', index, 'upstream'], expected, undefined);
    }
  }
}

/** Without hosts and rewriting, the longer prefix wins, as it does at the gateway. */
function isMistakenFor(a: Route, b: Route): boolean {
  const [pathOfA, pathOfB] = [`${prefixAtApi(a)}/`, `${prefixAtApi(b)}/`];
  const areNested = pathOfA.startsWith(pathOfB) || pathOfB.startsWith(pathOfA);
  return areNested && (a.host !== b.host || a.rewrite !== undefined || b.rewrite !== undefined);
}
