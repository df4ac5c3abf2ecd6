import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Decision } from '../decision.ts';
import { RequestError } from '../http/errors.ts';
import type { Route } from './route.ts';
import type { FindRoute } from './route_table.ts';

/**
 * Answers a preflight request, which comes without an access token, by the policy of its route. No API sees it.
 *
 * @returns whether there was a policy; without one it is a request like any other
 */
export type ServePreflight = (request: IncomingMessage, response: ServerResponse, decision: Decision) => boolean;

export function createPreflights(findRoute: FindRoute): ServePreflight {
  function routeOf(request: IncomingMessage): Route | undefined {
    try {
      return findRoute(request.url ?? '', request.headers.host);
    } catch (error) {
      if (error instanceof RequestError) return undefined; // The walk comes to it again, and its refusal is answered.
      throw error;
    }
  }

  return (request, response, decision) => {
    const route = routeOf(request);
    const policy = route?.forwarding.cors;
    if (route === undefined || policy === undefined) return false;
    decision.route = route;
    const vary = 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers';
    response.writeHead(204, { ...policy.preflightHeaders(request.headers.origin), Vary: vary }).end();
    return true;
  };
}
