import { RequestError } from '../http/errors.ts';
import { bySpecificity, matchesHost, readHostName } from './host.ts';
import { readRequestPath } from './request_target.ts';
import type { Route } from './route.ts';

/**
 * @param host the value of `Host`
 * @throws {RequestError} `invalid_request`, or `not_found` when no API is there
 */
export type FindRoute = (target: string, host: string | undefined) => Route;

/**
 * The route of a request is, of those whose host and prefix fit, the one with the most specific host, and then with the longest
 * prefix, by whole segments.
 *
 * @throws {TypeError} for two routes that servers could take for one
 */
export function createRouteTable(unsorted: readonly Route[]): FindRoute {
  const routes = [...unsorted].sort((a, b) => bySpecificity(a.host, b.host) || b.prefix.length - a.prefix.length);
  const places = new Set(routes.map(({ host, prefix }) => `${host} ${prefix.toLowerCase()}`));
  if (places.size < routes.length) throw new TypeError('two routes have the same prefix, and the same host');

  const findAmong = finderByHost(routes);
  return (target, host) => {
    const path = readRequestPath(target);
    const { literally, looselyRead } = findAmong(host);
    const route = literally(path.literal);
    if (route === undefined) throw new RequestError('not_found', 'no API is served under this path');
    // `/api/%61dmin` is below /api as it stands. Where there is a route for /api/admin too, it is not decided here which is meant.
    if (looselyRead(path.interpreted) !== route) {
      throw new RequestError('invalid_request', 'the path can be understood as that of another API');
    }
    return route;
  };
}

/** The routes of one host, by path. */
interface PathTable {
  readonly literally: (path: string) => Route | undefined;
  readonly looselyRead: (path: string) => Route | undefined;
}

/** Without hosts in the routes, that of a request is not looked at. */
function finderByHost(sorted: readonly Route[]): (host: string | undefined) => PathTable {
  const patterns = [...new Set(sorted.map(({ host }) => host))];
  const ofAnyHost = pathTable(sorted.filter((route) => route.host === undefined));
  if (patterns.every((pattern) => pattern === undefined)) return () => ofAnyHost;

  // What a pattern means, less specific patterns may mean too: their routes follow its own.
  const tables = patterns
    .filter((pattern) => pattern !== undefined)
    .map((pattern) => ({ pattern, table: pathTable(sorted.filter((route) => coveredBy(route.host, pattern))) }));
  return (header) => {
    const host = readHostName(header);
    return tables.find(({ pattern }) => matchesHost(pattern, host))?.table ?? ofAnyHost;
  };
}

/** Whether everything that the narrow pattern means, the wide one means too. */
function coveredBy(wide: string | undefined, narrow: string): boolean {
  return wide === narrow || matchesHost(wide, narrow);
}

function pathTable(routes: readonly Route[]): PathTable {
  return {
    literally: matcher(routes, (prefix) => prefix),
    looselyRead: matcher(routes, (prefix) => prefix.toLowerCase()),
  };
}

function matcher(routes: readonly Route[], normalize: (prefix: string) => string) {
  const table = routes.map((route) => {
    const prefix = normalize(route.prefix);
    return { route, exact: prefix, below: prefix === '/' ? '/' : `${prefix}/` };
  });
  return (path: string) => table.find(({ exact, below }) => path === exact || path.startsWith(below))?.route;
}
