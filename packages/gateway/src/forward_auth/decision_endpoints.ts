import type { IncomingMessage, ServerResponse } from 'node:http';
import { containsText, findFault } from '@tallystick/common';
import { addressHeaders } from '../config/default_headers.ts';
import type { DecisionEndpointConfig } from '../config/gateway.ts';
import type { Destination } from '../forward/forwarder.ts';
import { createNameMatcher } from '../forward/request_headers.ts';
import { hasCookie } from '../http/cookies.ts';
import { corsHeaders, isPreflight } from '../http/cors.ts';
import { RequestError, toRequestError } from '../http/errors.ts';
import { checkHandshake } from '../http/request_checks.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
import { originalRequest } from './original_request.ts';

/** Authorizes requests for other gateways, which forward them themselves. */
export interface DecisionEndpoints {
  /** @returns the endpoint at this request target, if there is one */
  find(target: string): DecisionEndpointConfig | undefined;
  /**
   * Reads the original request, which is to be authorized.
   *
   * @throws {RequestError} `forbidden` when the caller is not a trusted proxy: the response reveals the JWT behind a token
   */
  read(request: IncomingMessage, endpoint: DecisionEndpointConfig): IncomingMessage;
  /**
   * Whether to answer a preflight request (Fetch standard, section 3.2.2). That is useful if the calling gateway passes a 204 on to the
   * client. Other gateways treat every 2xx status as permission, and would forward the preflight request to the API.
   */
  answersPreflight(original: IncomingMessage, endpoint: DecisionEndpointConfig): boolean;
  /**
   * Permits the request: 200, with the credentials for the API in place of the client's.
   *
   * @throws {RequestError} when the calling gateway would pass on a header that the API must not get from a client, or would upgrade to
   *   a protocol other than WebSocket
   */
  permit(response: ServerResponse, asked: DecisionRequest, destination: Destination): void;
}

/** A request for a decision. */
export interface DecisionRequest {
  /** The request that is authorized. */
  readonly original: IncomingMessage;
  readonly endpoint: DecisionEndpointConfig;
}

export interface DecisionEndpointsDependencies {
  readonly isTrustedProxy: IsTrustedProxy;
  /** Names of cookies that hold tokens. */
  readonly tokenCookies: readonly string[];
  /** Headers that identify the caller to an API. */
  readonly identityHeaders: readonly string[];
  /** The header in which trusted proxies pass the client certificate, in lower case. */
  readonly certificateHeader: string | undefined;
}

export function createDecisionEndpoints(
  endpoints: readonly DecisionEndpointConfig[],
  { isTrustedProxy, tokenCookies, identityHeaders, certificateHeader }: DecisionEndpointsDependencies,
): DecisionEndpoints {
  const isIdentityHeader = createIdentityMatcher(identityHeaders, certificateHeader);
  return {
    find(target) {
      if (endpoints.length === 0) return undefined;
      const path = target.split('?', 1)[0] ?? '';
      return endpoints.find((endpoint) =>
        endpoint.for === 'envoy' ? path.startsWith(`${endpoint.path}/`) : path === endpoint.path,
      );
    },
    read(request, endpoint) {
      if (!isTrustedProxy(request)) throw new RequestError('forbidden', 'only trusted proxies may request a decision');
      const original = originalRequest(request, endpoint);
      const fault = findFault(original);
      if (fault !== undefined) throw toRequestError(fault);
      return original;
    },
    answersPreflight(original, { for: kind, accelRedirect }) {
      const clientGetsAnswer = kind === 'nginx' ? accelRedirect !== undefined : kind !== 'traefik';
      return clientGetsAnswer && isPreflight(original);
    },
    permit(response, { original, endpoint }, destination) {
      if (asksToUpgrade(original)) checkHandshake(original);
      refuseOtherTokens(original, destination.clientHeld, tokenCookies);
      refuseIdentityHeaders(original, isIdentityHeader);
      writePermission(response, original, endpoint, destination);
    },
  };
}

/** Detects an upgrade as Node.js does. The calling gateway may perform any upgrade that is permitted. */
function asksToUpgrade({ headers: { connection, upgrade } }: IncomingMessage): boolean {
  return upgrade !== undefined && /(?:^|,)\s*upgrade\s*(?:,|$)/i.test(connection ?? '');
}

/** When the gateway forwards a request, it removes these tokens itself. A calling gateway replaces only `Authorization`. */
function refuseOtherTokens(
  { headers }: IncomingMessage,
  clientHeld: string | undefined,
  tokenCookies: readonly string[],
) {
  if (hasCookie(headers.cookie, tokenCookies)) {
    throw new RequestError('not_implemented', 'the token is in a cookie, which only the gateway itself can remove');
  }
  if (clientHeld === undefined) return;
  for (const name in headers) {
    if (name !== 'authorization' && containsText(String(headers[name]), clientHeld)) {
      throw new RequestError('invalid_request', 'the access token is in more than one header');
    }
  }
}

/** Suffixes of `X-Forwarded-*` that gateways set. Others, such as `X-Forwarded-User`, identify the caller. */
const forwardedByGateways = ['for', 'host', 'method', 'port', 'prefix', 'proto', 'scheme', 'server', 'uri'];

/** Matches headers that identify the caller to an API, except those that the calling gateway and proxies before it set. */
function createIdentityMatcher(
  names: readonly string[],
  certificateHeader: string | undefined,
): (name: string) => boolean {
  const isIdentity = createNameMatcher([...names, 'x-forwarded-*']);
  const isSetByGateways = createNameMatcher([
    ...addressHeaders,
    ...forwardedByGateways.map((name) => `x-forwarded-${name}`),
    'x-auth-request-redirect', // ingress-nginx: the URL to return to after sign-in
    ...(certificateHeader === undefined ? [] : [certificateHeader]),
  ]);
  return (name) => isIdentity(name) && !isSetByGateways(name);
}

function refuseIdentityHeaders({ headers }: IncomingMessage, isIdentityHeader: (name: string) => boolean): void {
  for (const name in headers) {
    if (isIdentityHeader(name)) {
      throw new RequestError(
        'invalid_request',
        `a client must not send the header ${name}, which identifies the caller`,
      );
    }
  }
}

function writePermission(
  response: ServerResponse,
  { headers: { origin } }: IncomingMessage,
  { accelRedirect }: DecisionEndpointConfig,
  { authorization, dpop, clientCertificate, dpopNonce, forwarding }: Destination,
): void {
  const forApi = withoutUndefined({ Authorization: authorization, DPoP: dpop, 'Client-Cert': clientCertificate });
  const absent = ['Authorization', 'DPoP', 'Client-Cert'].filter((name) => !(name in forApi));
  const forClient = { ...withoutUndefined({ 'DPoP-Nonce': dpopNonce }), ...corsHeaders(forwarding.cors, origin) };
  response
    .writeHead(200, {
      ...forApi,
      ...forClient,
      // Envoy removes only the headers that it is told to remove; the others take the names from their configuration.
      ...(absent.length > 0 && { 'X-Envoy-Auth-Headers-To-Remove': absent.join(',').toLowerCase() }),
      // NGINX would add `Cache-Control` to the response of the API.
      ...(accelRedirect === undefined ? { 'Cache-Control': 'no-store' } : { 'X-Accel-Redirect': accelRedirect }),
      'Content-Length': 0,
    })
    .end();
}

function withoutUndefined(headers: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
