import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision } from '../decision.ts';
import { RequestError } from '../http/errors.ts';
import type { Route } from './route.ts';
import type { FindRoute } from './route_table.ts';

/**
 * Answers a preflight request, which has no access token, according to the CORS policy of its route. It is not forwarded.
 *
 * @returns false when the route has no policy: then the request is handled like any other
 */
export type ServePreflight = (request: IncomingMessage, response: ServerResponse, decision: Decision) => boolean;

export function createPreflights(findRoute: FindRoute): ServePreflight {
  function findRouteOrNone(request: IncomingMessage): Route | undefined {
    try {
      return findRoute(request.url ?? '', request.headers.host);
    } catch (error) {
      if (error instanceof RequestError) return undefined; // Authorization will refuse the request for the same reason.
      throw error;
    }
  }

  return (request, response, decision) => {
    const route = findRouteOrNone(request);
    const policy = route?.forwarding.cors;
    if (route === undefined || policy === undefined) return false;
    decision.route = route;
    const vary = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
    response.writeHead(204, { ...policy.preflightHeaders(request.headers.origin), Vary: vary }).end();
    return true;
  };
}
