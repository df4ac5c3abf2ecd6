import { readHost } from '@tallystick/common';
import { RequestError } from '../http/errors.ts';
import { readRequestPath } from './request_target.ts';
import type { Route } from './route.ts';

/**
 * Finds the route of a request.
 *
 * @param host the value of `Host`
 * @throws {RequestError} `invalid_request`; `not_found` when no route matches
 */
export type FindRoute = (target: string, host: string | undefined) => Route;

/**
 * Creates the lookup of routes. Of the routes whose host and prefix match, it selects the one with the most specific host, and among
 * those the one with the longest prefix, by whole segments.
 *
 * @throws {TypeError} for two routes that servers could take for one
 */
export function createRouteTable(unsorted: readonly Route[]): FindRoute {
  const routes = [...unsorted].sort((a, b) => bySpecificity(a.host, b.host) || b.prefix.length - a.prefix.length);

  const tableFor = createTablesByHost(routes);
  return (target, host) => {
    const path = readRequestPath(target);
    const { matchLiteral, matchInterpreted } = tableFor(host);
    const route = matchLiteral(path.literal);
    if (route === undefined) throw new RequestError('not_found', 'no API is served under this path');
    // `/api/%61dmin` literally matches /api. If there is a route for /api/admin too, the request is ambiguous.
    if (matchInterpreted(path.interpreted) !== route) {
      throw new RequestError('invalid_request', 'the path is ambiguous: another API may match it');
    }
    return route;
  };
}

/** The routes of one host, by path. */
interface PathTable {
  readonly matchLiteral: (path: string) => Route | undefined;
  readonly matchInterpreted: (path: string) => Route | undefined;
}

/** If no route has a host, the host of requests is ignored. */
function createTablesByHost(sorted: readonly Route[]): (host: string | undefined) => PathTable {
  const patterns = [...new Set(sorted.map(({ host }) => host))];
  const anyHostTable = createPathTable(sorted.filter((route) => route.host === undefined));
  if (patterns.every((pattern) => pattern === undefined)) return () => anyHostTable;

  // A host that matches a pattern may match less specific patterns too, so the table of a pattern contains their routes too.
  const tables = patterns
    .filter((pattern) => pattern !== undefined)
    .map((pattern) => ({ pattern, table: createPathTable(sorted.filter((route) => coveredBy(route.host, pattern))) }));
  return (header) => {
    const host = readHostName(header);
    return tables.find(({ pattern }) => matchesHost(pattern, host))?.table ?? anyHostTable;
  };
}

/** Whether the wide pattern matches every host that the narrow one matches. */
function coveredBy(wide: string | undefined, narrow: string): boolean {
  return wide === narrow || matchesHost(wide, narrow);
}

function createPathTable(routes: readonly Route[]): PathTable {
  return {
    matchLiteral: createMatcher(routes, (prefix) => prefix),
    matchInterpreted: createMatcher(routes, (prefix) => prefix.toLowerCase()),
  };
}

function createMatcher(routes: readonly Route[], normalize: (prefix: string) => string) {
  const table = routes.map((route) => {
    const prefix = normalize(route.prefix);
    return { route, exact: prefix, below: prefix === '/' ? '/' : `${prefix}/` };
  });
  return (path: string) => table.find(({ exact, below }) => path === exact || path.startsWith(below))?.route;
}

/**
 * The host of a request, in lower case, without port and trailing dot.
 *
 * @param header the value of `Host`; undefined if an HTTP/1.0 client sends none
 * @throws {RequestError} `invalid_request` for a malformed host, which servers could interpret differently
 */
function readHostName(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const host = readHost(header);
  if (host === undefined) throw new RequestError('invalid_request', 'the Host header is malformed');
  return host.name;
}

/** Whether a pattern matches this host. */
function matchesHost(pattern: string | undefined, host: string | undefined): boolean {
  if (pattern === undefined) return true;
  if (host === undefined) return false;
  return pattern.startsWith('*') ? host.endsWith(pattern.slice(1)) && host.length >= pattern.length : host === pattern;
}

/** Sorts the more specific pattern first: a name, then the longer wildcard, then any host. */
function bySpecificity(a: string | undefined, b: string | undefined): number {
  return specificity(b) - specificity(a);
}

function specificity(pattern: string | undefined): number {
  if (pattern === undefined) return 0;
  return pattern.startsWith('*') ? pattern.length : Number.MAX_SAFE_INTEGER;
}
