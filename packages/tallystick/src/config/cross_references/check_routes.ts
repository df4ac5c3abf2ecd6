import { isLoopbackName } from '@tallystick/common';
import type { Refuse } from '@tallystick/common/config';
import { metadataPath } from '@tallystick/resource-server';
import type { Config } from '../schema.ts';
import { leadsToSampleApi, pathAtApi } from './sample_api_routes.ts';

type Route = Config['gateway']['routes'][number];
type Path = readonly (string | number)[];

const ofApis = [
  'audience',
  'issuer',
  'accessTokens',
  'scopes',
  'onMiss',
  'dpop',
  'tokenCookie',
  'tokenSubprotocol',
  'accessTokenInQuery',
] as const;

/** Checks the routes against each other, and against the APIs and issuers. */
export function checkRoutes(config: Config, refuse: Refuse): void {
  const { routes, issuers } = config.gateway;
  const names = [config.issuer, ...issuers.map(({ issuer }) => issuer)];
  for (const [index, { issuer }] of issuers.entries()) {
    if (names.indexOf(issuer) <= index) {
      refuse(['gateway', 'issuers', index, 'issuer'], 'expected another issuer: an earlier entry has this one', issuer);
    }
  }
  const places = routes.map(({ host, prefix }) => `${host?.toLowerCase()} ${prefix.toLowerCase()}`);
  for (const [index, route] of routes.entries()) {
    const path: Path = ['gateway', 'routes', index];
    if (places.indexOf(places[index] ?? '') !== index) {
      refuse(
        [...path, 'prefix'],
        'expected another prefix: a route for the same host already has it (case is ignored)',
        route.prefix,
      );
    }
    if (route.public) {
      checkPublic(route, path, refuse);
    } else {
      checkProtected(route, path, config, refuse);
      checkProofs(route, path, config, refuse);
      checkSubprotocol(route, path, refuse);
    }
    checkForwarding(route, path, refuse);
    checkLoop(route, path, config, refuse);
  }
  checkSampleApi(routes, refuse);
  checkMetadata(routes, refuse);
}

/** If the metadata of several APIs has the same path (RFC 9728 section 3.1), the hosts of their routes must differ. */
function checkMetadata(routes: readonly Route[], refuse: Refuse): void {
  const published = routes.flatMap(({ api, host }, index) => {
    if (api === undefined || !/^https?:/i.test(api) || !URL.canParse(api)) return [];
    return [{ api, host: host?.toLowerCase(), index, path: metadataPath(api.split('#', 1)[0] ?? '') }];
  });
  for (const { api, host, index, path } of published) {
    const other = published.find((candidate) => candidate.path === path && candidate.api !== api);
    if (other === undefined) continue;
    const clash = published.find((known) => known.path === path && known.api !== api && known.host === host);
    if (host === undefined || host.startsWith('*') || (clash !== undefined && clash.index < index)) {
      const expected = `expected a host name of its own: the metadata of "${(clash ?? other).api}" has the same path`;
      refuse(['gateway', 'routes', index, 'host'], expected, routes[index]?.host);
    }
  }
}

function checkForwarding(
  { prefix, upstream, upstreams, upstreamTls, rewrite }: Route,
  path: Path,
  refuse: Refuse,
): void {
  if (upstreams !== undefined && upstream !== undefined) {
    refuse([...path, 'upstream'], 'expected nothing beside upstreams', upstream);
  }
  if (new Set(upstreams).size !== (upstreams ?? []).length) {
    refuse([...path, 'upstreams'], 'expected origins that differ', upstreams);
  }
  if (new Set(upstreams?.map((origin) => new URL(origin).protocol)).size > 1) {
    refuse([...path, 'upstreams'], 'expected the same scheme in all of them', upstreams);
  }
  if (upstreamTls && ![upstream, ...(upstreams ?? [])].every((origin) => origin?.startsWith('https:') ?? true)) {
    refuse([...path, 'upstreamTls'], 'expected this only for upstreams on https', undefined);
  }
  if (rewrite && pathAtApi({ prefix, rewrite }) === pathAtApi({ prefix })) {
    refuse([...path, 'rewrite'], 'expected another prefix than that of the route', rewrite);
  }
}

/** Refuses an upstream that is obviously the gateway itself. */
function checkLoop({ upstream, upstreams = [] }: Route, path: Path, { host, gateway }: Config, refuse: Refuse): void {
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
function checkSampleApi(routes: readonly Route[], refuse: Refuse): void {
  for (const [index, route] of routes.entries()) {
    if (routes.slice(0, index).some((other) => isMistakenFor(route, other))) {
      const expected = 'expected an origin: the sample API would confuse the calls with those of another route';
      refuse(['gateway', 'routes', index, 'upstream'], expected, undefined);
    }
  }
}

/** Without hosts and rewriting, the longer prefix wins, as it does at the gateway. */
function isMistakenFor(a: Route, b: Route): boolean {
  if (!leadsToSampleApi(a) || !leadsToSampleApi(b)) return false;
  const [pathOfA, pathOfB] = [`${pathAtApi(a)}/`, `${pathAtApi(b)}/`];
  const areNested = pathOfA.startsWith(pathOfB) || pathOfB.startsWith(pathOfA);
  return areNested && (a.host !== b.host || a.rewrite !== undefined || b.rewrite !== undefined);
}

function checkPublic(route: Route, path: Path, refuse: Refuse): void {
  for (const member of ['api', ...ofApis] as const) {
    if (route[member] !== undefined) refuse([...path, member], 'expected nothing: the route is public', route[member]);
  }
  if (route.upstream === undefined && route.upstreams === undefined) {
    refuse([...path, 'upstream'], 'expected an origin: the sample API serves no calls without a token', undefined);
  }
}

/** Browsers send cookies with a WebSocket handshake, so a token cookie needs no subprotocol. */
function checkSubprotocol({ tokenCookie, tokenSubprotocol }: Route, path: Path, refuse: Refuse): void {
  if (tokenCookie === undefined || tokenSubprotocol === undefined) return;
  refuse([...path, 'tokenSubprotocol'], 'expected nothing beside tokenCookie', tokenSubprotocol);
}

/** Checks that the receiver of a DPoP proof can verify it. */
function checkProofs(
  { api, accessTokens, dpop, tokenCookie }: Route,
  path: Path,
  { apis }: Config,
  refuse: Refuse,
): void {
  if (dpop?.required && tokenCookie) {
    refuse([...path, 'dpop', 'required'], 'expected false: a token in a cookie has no proof', true);
  }
  const style = accessTokens ?? apis.find(({ resource }) => resource === api)?.accessTokens;
  if (dpop?.forward && style === 'phantom') {
    refuse(
      [...path, 'dpop', 'forward'],
      'expected false: the API gets a JWT, and the proof is about the reference token',
      true,
    );
  }
}

function checkProtected({ api, issuer, ...route }: Route, path: Path, config: Config, refuse: Refuse): void {
  if (api === undefined) {
    refuse([...path, 'api'], 'expected the resource of an API, or `public: true` beside it', undefined);
    return;
  }
  if (issuer === undefined || issuer === config.issuer) {
    if (!config.apis.some((known) => known.resource === api)) {
      refuse([...path, 'api'], 'expected the resource of one of the apis', api);
    }
    if (route.accessTokens !== undefined) {
      refuse([...path, 'accessTokens'], "expected this in the API's entry in `apis`", route.accessTokens);
    }
    return;
  }
  const known = config.gateway.issuers.find((candidate) => candidate.issuer === issuer);
  if (known === undefined) refuse([...path, 'issuer'], 'expected one of the gateway.issuers', issuer);
  if (route.accessTokens === undefined) {
    refuse(
      [...path, 'accessTokens'],
      'expected the access token style, because the API belongs to another issuer',
      undefined,
    );
  }
  if (route.upstream === undefined && route.upstreams === undefined) {
    refuse([...path, 'upstream'], 'expected an origin: the sample API does not trust other issuers', undefined);
  }
  const introspects = route.accessTokens === 'phantom' || route.onMiss === 'introspect';
  if (known && introspects && (known.introspectionEndpoint === undefined || known.client === undefined)) {
    refuse([...path, 'issuer'], 'expected an issuer with an introspectionEndpoint and a client', issuer);
  }
}
