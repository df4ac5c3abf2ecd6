import type { RouteConfig } from '@tallystick/gateway';
import { leadsToSampleApi, pathAtApi } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import type { SampleApiRoute } from '../sample_api/create_sample_api.ts';
import { sampleApiUrl } from './addresses.ts';
import { tokenCookieConfig } from './token_handler_config.ts';
import { withoutUndefined } from './without_undefined.ts';

type ConfiguredRoute = Config['gateway']['routes'][number];

/** The gateway's routes. A route that names no upstream leads to the sample API. */
export function gatewayRoutes(config: Config): RouteConfig[] {
  return config.gateway.routes.map((route) => {
    const { host, prefix, rewrite, cors, limits, timeouts, upstreamHealth, preserveHost, rewriteResponse } = route;
    const upstream = route.upstreams ?? route.upstream ?? sampleApiUrl(config);
    const forwarding = { upstream, rewrite, cors, limits, timeouts, upstreamHealth, preserveHost, rewriteResponse };
    const place = { host, prefix, ...forwarding };
    const access = route.public ? { public: true } : accessTo(config, route);
    return withoutUndefined({ ...place, ...access }) as RouteConfig;
  });
}

function accessTo(config: Config, route: ConfiguredRoute) {
  const { issuer, tokenCookie, tokenSubprotocol, accessTokenInQuery, dpop, onMiss = 'refuse' } = route;
  return {
    ...protection(config, route),
    ...tokenPattern(config, route),
    issuer,
    onMiss,
    dpop,
    tokenSubprotocol,
    accessTokenInQuery,
    tokenCookie: tokenCookie && tokenCookieConfig(config, tokenCookie),
  };
}

/** What references of the route's issuer look like, if that is known. */
function tokenPattern({ issuer, apis, gateway }: Config, route: ConfiguredRoute): { tokenPattern?: string } {
  const style = route.accessTokens ?? apis.find(({ resource }) => resource === route.api)?.accessTokens;
  if (style !== 'opaque' && style !== 'phantom') return {};
  const other = route.issuer !== undefined && route.issuer !== issuer;
  const { introspection } = (other && gateway.issuers.find((known) => known.issuer === route.issuer)) || gateway;
  return introspection.tokenPattern === undefined ? {} : { tokenPattern: introspection.tokenPattern };
}

/** What the sample API serves: the routes that lead to it, the longest path first. It knows nothing of hosts. */
export function sampleApiRoutes(config: Config): SampleApiRoute[] {
  return config.gateway.routes
    .filter(leadsToSampleApi)
    .map((route) => {
      const { audience, style, scopes } = protection(config, route);
      return {
        prefix: pathAtApi(route),
        publicPrefix: route.prefix,
        audience,
        style,
        scopes,
        getsProof: style === 'opaque' || route.dpop?.forward === true,
      };
    })
    .sort((a, b) => b.prefix.length - a.prefix.length);
}

/** What a call needs, to the gateway and to the API. */
function protection(config: Config, { prefix, api: resource, audience, accessTokens, scopes }: ConfiguredRoute) {
  const api = config.apis.find((candidate) => candidate.resource === resource);
  const style = accessTokens ?? api?.accessTokens;
  if (resource === undefined || style === undefined) {
    throw new TypeError(`the route ${prefix} has no api`); // The configuration was checked for this.
  }
  return {
    resource,
    audience: audience ?? ownAudience(resource, api?.audience),
    style,
    scopes: scopes ?? { '*': [] },
  };
}

/** The one of an API's audiences that its gateway and the API itself look for: the one that is most its own. */
function ownAudience(resource: string, audience: string | readonly string[] = resource): string {
  const audiences = [audience].flat();
  return audiences.find((name) => name === resource) ?? audiences[0] ?? resource;
}
