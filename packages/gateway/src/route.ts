import type { AccessTokenStyle } from './access_token_style.ts';
import type { RouteConfig } from './config.ts';
import { RequestError } from './errors.ts';
import { parseUpstream, type Upstream } from './forward/upstream.ts';
import { readRequestPath } from './request_target.ts';

/** A {@link RouteConfig}, checked and made ready for use. */
export interface Route {
  readonly prefix: string;
  readonly style: AccessTokenStyle;
  readonly resource: string;
  /** The `aud` that a JWT must be for. */
  readonly audience: string;
  readonly upstream: Upstream;
  readonly onMiss: 'refuse' | 'introspect';
  /** Tokens of different partitions are cached apart: the API and the style decide what a token resolves to. */
  readonly cachePartition: string;
  /** Method, or `*`, to scopes. */
  readonly scopes: ReadonlyMap<string, readonly string[]>;
}

/** @throws {RequestError} `invalid_request`, or `not_found` when no API is there */
export type FindRoute = (target: string) => Route;

/**
 * The route of a request is the one with the longest prefix, by whole segments.
 *
 * @throws {TypeError} for two routes that servers could take for one
 */
export function createRouteTable(unsorted: readonly Route[]): FindRoute {
  const routes = [...unsorted].sort((a, b) => b.prefix.length - a.prefix.length);
  const prefixes = new Set(routes.map(({ prefix }) => prefix.toLowerCase()));
  if (prefixes.size < routes.length) throw new TypeError('two routes have the same prefix');

  const literally = matcher(routes, (prefix) => prefix);
  const looselyRead = matcher(routes, (prefix) => prefix.toLowerCase());

  return (target) => {
    const path = readRequestPath(target);
    const route = literally(path.literal);
    if (route === undefined) throw new RequestError('not_found', 'no API is served under this path');
    // `/api/%61dmin` is below /api as it stands. Where there is a route for /api/admin too, it is not decided here which is meant.
    if (looselyRead(path.interpreted) !== route) {
      throw new RequestError('invalid_request', 'the path can be understood as that of another API');
    }
    return route;
  };
}

function matcher(routes: readonly Route[], normalize: (prefix: string) => string) {
  const table = routes.map((route) => {
    const prefix = normalize(route.prefix);
    return { route, exact: prefix, below: prefix === '/' ? '/' : `${prefix}/` };
  });
  return (path: string) => table.find(({ exact, below }) => path === exact || path.startsWith(below))?.route;
}

/** @throws {TypeError} for a route that cannot be served */
export function createRoute(config: RouteConfig): Route {
  const { prefix, style, resource, audience = resource, onMiss = 'refuse' } = config;
  if (prefix !== '/' && !/^(?:\/(?!\.{1,2}(?:\/|$))[\w~.-]+)+$/.test(prefix)) {
    throw new TypeError(`the prefix of a route must be "/" or segments like "/orders/v1": ${JSON.stringify(prefix)}`);
  }
  if (!['jwt', 'opaque', 'phantom', 'split'].includes(style)) {
    throw new TypeError(`route ${prefix}: the access token style must be jwt, opaque, phantom or split`);
  }
  if (typeof resource !== 'string' || resource === '') throw new TypeError(`route ${prefix}: no resource indicator`);
  if (typeof audience !== 'string' || audience === '') throw new TypeError(`route ${prefix}: the audience is empty`);
  const scopes = new Map(Object.entries(config.scopes).map(([method, names]) => [method.toUpperCase(), [...names]]));
  const cachePartition = `${style} ${onMiss} ${resource} ${audience}`;
  const upstream = parseUpstream(config.upstream);
  return { prefix, style, resource, audience, onMiss, cachePartition, scopes, upstream };
}
