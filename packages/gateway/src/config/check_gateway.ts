import { type Refuse, refuseDuplicates } from '@tallystick/common/config';
import { metadataPath } from '@tallystick/resource-server';
import { accessTokensOf, introspects, makesJwts, prefixAtApi } from './derived.ts';
import type { GatewaySection } from './gateway.ts';
import type { ApiConfig, RouteConfig } from './route.ts';

/** A gateway's section, with the issuer and the APIs that it refers to. */
export interface CheckedGateway extends GatewaySection {
  readonly issuer: string;
  readonly apis: readonly ApiConfig[];
}

type Path = readonly (string | number)[];

/**
 * Refuses values of a gateway's section that contradict each other, or the APIs and issuers.
 *
 * @param refuse gets paths within the section
 */
export function checkGatewayConfig(gateway: CheckedGateway, refuse: Refuse): void {
  checkIssuers(gateway, refuse);
  for (const [index, route] of gateway.routes.entries()) checkRoute(route, ['routes', index], gateway, refuse);
  checkPlaces(gateway.routes, refuse);
  checkMetadata(gateway.routes, refuse);
  refuseDuplicates(gateway.tokenHandlers, 'prefix', ['tokenHandlers'], refuse);
  refuseDuplicates(gateway.tokenHandlers, 'cookie', ['tokenHandlers'], refuse);
  if (gateway.decisionEndpoints.length > 0 && gateway.trustedProxies.length === 0) {
    refuse(['trustedProxies'], 'expected the addresses of the gateways that use the decision endpoints', []);
  }
  checkOwnJwts(gateway, refuse);
}

/** A gateway that introspects at its own authorization server authenticates there (RFC 7662 section 2.1). */
export function checkGatewayClient(gateway: CheckedGateway, refuse: Refuse): void {
  const { issuer: own, apis, client } = gateway;
  if (client !== undefined) return;
  const route = gateway.routes.find((candidate) => (candidate.issuer ?? own) === own && introspects(candidate, apis));
  if (route === undefined) return;
  refuse(['client'], `expected the client with which the gateway introspects tokens for ${route.api}`, undefined);
}

function checkIssuers({ issuer: own, issuers }: CheckedGateway, refuse: Refuse): void {
  const names = [own, ...issuers.map(({ issuer }) => issuer)];
  for (const [index, { issuer }] of issuers.entries()) {
    if (names.indexOf(issuer) > index) continue;
    refuse(['issuers', index, 'issuer'], 'expected another issuer: an earlier entry has this one', issuer);
  }
}

/** A gateway that makes JWTs is their issuer, so it needs a name. */
function checkOwnJwts(gateway: CheckedGateway, refuse: Refuse): void {
  if (!makesJwts(gateway) || gateway.publicUrl !== undefined || gateway.ownJwts.issuer !== undefined) return;
  refuse(['ownJwts', 'issuer'], 'expected this, or gateway.publicUrl, because the gateway makes JWTs', undefined);
}

/** Servers that ignore case must not take one route for another. */
function checkPlaces(routes: readonly RouteConfig[], refuse: Refuse): void {
  const places = routes.map(({ host, prefix }) => `${host?.toLowerCase()} ${prefix.toLowerCase()}`);
  for (const [index, { prefix }] of routes.entries()) {
    if (places.indexOf(places[index] ?? '') === index) continue;
    const expected = 'expected another prefix: a route for the same host already has it (case is ignored)';
    refuse(['routes', index, 'prefix'], expected, prefix);
  }
}

/** If the metadata of several APIs has the same path (RFC 9728 section 3.1), the hosts of their routes must differ. */
function checkMetadata(routes: readonly RouteConfig[], refuse: Refuse): void {
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
      refuse(['routes', index, 'host'], expected, routes[index]?.host);
    }
  }
}

function checkRoute(route: RouteConfig, path: Path, gateway: CheckedGateway, refuse: Refuse): void {
  if (route.public) {
    checkPublic(route, path, refuse);
  } else {
    checkProtected(route, path, gateway, refuse);
    checkProofs(route, path, gateway, refuse);
    checkSubprotocol(route, path, refuse);
  }
  checkForwarding(route, path, refuse);
}

const protectedOnly = [
  'api',
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

function checkPublic(route: RouteConfig, path: Path, refuse: Refuse): void {
  for (const name of protectedOnly) {
    if (route[name] !== undefined) refuse([...path, name], 'expected nothing: the route is public', route[name]);
  }
}

function checkProtected(route: RouteConfig, path: Path, gateway: CheckedGateway, refuse: Refuse): void {
  const { api, issuer = gateway.issuer, accessTokens } = route;
  if (api === undefined) {
    refuse([...path, 'api'], 'expected the resource of an API, or `public: true` beside it', undefined);
    return;
  }
  if (issuer === gateway.issuer) {
    if (!gateway.apis.some(({ resource }) => resource === api)) {
      refuse([...path, 'api'], 'expected the resource of one of the apis', api);
    }
    if (accessTokens !== undefined) {
      refuse([...path, 'accessTokens'], "expected this in the API's entry in `apis`", accessTokens);
    }
    return;
  }
  const known = gateway.issuers.find((candidate) => candidate.issuer === issuer);
  if (known === undefined) refuse([...path, 'issuer'], 'expected one of the gateway.issuers', issuer);
  if (accessTokens === undefined) {
    refuse(
      [...path, 'accessTokens'],
      'expected the access token style, because the API belongs to another issuer',
      undefined,
    );
  }
  if (known && introspects(route, []) && (known.introspectionEndpoint === undefined || known.client === undefined)) {
    refuse([...path, 'issuer'], 'expected an issuer with an introspectionEndpoint and a client', issuer);
  }
}

/** Checks that the receiver of a DPoP proof can verify it. */
function checkProofs(route: RouteConfig, path: Path, { apis }: CheckedGateway, refuse: Refuse): void {
  const { dpop, tokenCookie } = route;
  if (dpop?.required && tokenCookie) {
    refuse([...path, 'dpop', 'required'], 'expected false: a token in a cookie has no proof', true);
  }
  if (dpop?.forward && accessTokensOf(route, apis) === 'phantom') {
    refuse(
      [...path, 'dpop', 'forward'],
      'expected false: the API gets a JWT, and the proof is about the reference token',
      true,
    );
  }
}

/** Browsers send cookies with a WebSocket handshake, so a token cookie needs no subprotocol. */
function checkSubprotocol({ tokenCookie, tokenSubprotocol }: RouteConfig, path: Path, refuse: Refuse): void {
  if (tokenCookie === undefined || tokenSubprotocol === undefined) return;
  refuse([...path, 'tokenSubprotocol'], 'expected nothing beside tokenCookie', tokenSubprotocol);
}

function checkForwarding(route: RouteConfig, path: Path, refuse: Refuse): void {
  const { prefix, upstream, upstreams = [], upstreamTls, rewrite } = route;
  if (upstreams.length > 0 && upstream !== undefined) {
    refuse([...path, 'upstream'], 'expected nothing beside upstreams', upstream);
  }
  if (new Set(upstreams).size < upstreams.length) {
    refuse([...path, 'upstreams'], 'expected origins that differ', upstreams);
  }
  const origins = upstream === undefined ? upstreams : [upstream, ...upstreams];
  const areSecure = origins.map((origin) => origin.startsWith('https:'));
  if (new Set(areSecure).size > 1) {
    refuse([...path, 'upstreams'], 'expected the same scheme in all of them', upstreams);
  }
  if (upstreamTls && areSecure.includes(false)) {
    refuse([...path, 'upstreamTls'], 'expected this only for upstreams on https', undefined);
  }
  if (rewrite && prefixAtApi({ prefix, rewrite }) === prefixAtApi({ prefix })) {
    refuse([...path, 'rewrite'], 'expected another prefix than that of the route', rewrite);
  }
}
