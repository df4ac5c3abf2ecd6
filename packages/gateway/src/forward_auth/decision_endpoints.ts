import type { IncomingMessage, ServerResponse } from 'node:http';
import { containsText, findFault } from '@tallystick/common';
import { checkHandshake } from '../check_handshake.ts';
import { errorOf, RequestError } from '../errors.ts';
import type { Destination } from '../forward/forwarder.ts';
import { hasCookie } from '../token_handler/cookies.ts';
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
  /**
   * Lets the request pass: 200, with the `Authorization` that the API is to get in place of the client's.
   *
   * @param original the request that was decided
   * @throws {RequestError} when the asking gateway would pass a token of the client on, or change to a protocol other than WebSocket
   */
  answer(response: ServerResponse, original: IncomingMessage, destination: Destination): void;
}

export interface DecisionEndpointsDependencies {
  readonly isTrustedProxy: IsTrustedProxy;
  /** Names of cookies that hold tokens. */
  readonly tokenCookies: readonly string[];
}

export function createDecisionEndpoints(
  endpoints: readonly DecisionEndpointConfig[],
  { isTrustedProxy, tokenCookies }: DecisionEndpointsDependencies,
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
      const original = originalRequest(request, endpoint);
      const fault = findFault(original);
      if (fault !== undefined) throw errorOf(fault);
      return original;
    },
    answer(response, original, destination) {
      if (asksToUpgrade(original)) checkHandshake(original);
      refuseOtherTokens(original, destination.clientHeld, tokenCookies);
      answer(response, destination);
    },
  };
}

/** As Node.js reads it: the asking gateway may upgrade whatever it is let to. */
function asksToUpgrade({ headers: { connection, upgrade } }: IncomingMessage): boolean {
  return upgrade !== undefined && /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(connection ?? '');
}

/** The gateway itself takes these out of a request; whoever asks it for a decision only does so with `Authorization`. */
function refuseOtherTokens(
  { headers }: IncomingMessage,
  clientHeld: string | undefined,
  tokenCookies: readonly string[],
) {
  if (hasCookie(headers.cookie, tokenCookies)) {
    throw new RequestError('not_implemented', 'a token comes in a cookie, which only the gateway itself takes out');
  }
  if (clientHeld === undefined) return;
  for (const name in headers) {
    if (name !== 'authorization' && containsText(String(headers[name]), clientHeld)) {
      throw new RequestError('invalid_request', 'the access token is in more than one header');
    }
  }
}

function answer(response: ServerResponse, { authorization, dpopNonce }: Destination): void {
  // Envoy keeps what it is not told to remove; the others know the header from their configuration.
  const forApi =
    authorization === undefined
      ? { 'X-Envoy-Auth-Headers-To-Remove': 'authorization' }
      : { Authorization: authorization };
  const nonce = dpopNonce !== undefined && { 'DPoP-Nonce': dpopNonce };
  response.writeHead(200, { ...forApi, ...nonce, 'Cache-Control': 'no-store', 'Content-Length': 0 }).end();
}
