import type { IncomingMessage, ServerResponse } from 'node:http';
import { RequestError } from '../errors.ts';
import type { Destination } from '../forward/forwarder.ts';
import type { Route } from '../route.ts';
import type { IsTrustedProxy } from '../trusted_proxies.ts';
import type { DecisionEndpointConfig } from './config.ts';
import { originalRequest } from './original_request.ts';

/** Decides for other gateways: the walk without its last step. */
export interface DecisionEndpoints {
  /** @returns the endpoint that a request is for */
  find(target: string): DecisionEndpointConfig | undefined;
  /**
   * The request that is to be decided.
   *
   * @throws {RequestError} `forbidden` when it is not a trusted proxy that asks: it could learn from the answer what a token stands for
   */
  read(request: IncomingMessage, endpoint: DecisionEndpointConfig): IncomingMessage;
}

export function createDecisionEndpoints(
  endpoints: readonly DecisionEndpointConfig[],
  isTrustedProxy: IsTrustedProxy,
): DecisionEndpoints {
  return {
    find(target) {
      if (endpoints.length === 0) return undefined;
      const path = target.split('?', 1)[0] ?? '';
      return endpoints.find((endpoint) =>
        endpoint.for === 'envoy' ? path.startsWith(`${endpoint.path}/`) : path === endpoint.path,
      );
    },
    read(request, endpoint) {
      if (!isTrustedProxy(request)) throw new RequestError('forbidden', 'only trusted proxies may ask for a decision');
      return originalRequest(request, endpoint);
    },
  };
}

/**
 * Lets the request pass: 200, with the `Authorization` that the API is to get in place of the client's.
 *
 * @throws {RequestError} for a request from which the asking gateway could not take the token
 */
export function answerDecision(
  response: ServerResponse,
  { authorization, dpopNonce }: Destination,
  route: Route | undefined,
): void {
  if (route?.isPublic === false && route.tokenCookie !== undefined) {
    throw new RequestError('not_implemented', 'the token comes in a cookie, which only the gateway itself takes out');
  }
  // Envoy keeps what it is not told to remove; the others know the header from their configuration.
  const forApi =
    authorization === undefined
      ? { 'X-Envoy-Auth-Headers-To-Remove': 'authorization' }
      : { Authorization: authorization };
  const nonce = dpopNonce !== undefined && { 'DPoP-Nonce': dpopNonce };
  response.writeHead(200, { ...forApi, ...nonce, 'Cache-Control': 'no-store', 'Content-Length': 0 }).end();
}
