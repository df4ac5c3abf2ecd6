import type { IncomingMessage, ServerResponse } from 'node:http';
import { containsText, findFault } from '@tallystick/common';
import type { Destination } from '../forward/forwarder.ts';
import { addressHeaders, createNameMatcher } from '../forward/request_headers.ts';
import { hasCookie } from '../http/cookies.ts';
import { corsHeaders, isPreflight } from '../http/cors.ts';
import { errorOf, RequestError } from '../http/errors.ts';
import { checkHandshake } from '../http/request_checks.ts';
import type { IsTrustedProxy } from '../http/trusted_proxies.ts';
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
   * Whether the original request is a preflight request (Fetch standard, section 3.2.2) whose answer would be given to the client:
   * by a gateway that takes 200 alone for leave to pass. The others take 204 for it, and would ask the API.
   */
  answersPreflight(original: IncomingMessage, endpoint: DecisionEndpointConfig): boolean;
  /**
   * Lets the request pass: 200, with the credentials that the API is to get in place of the client's.
   *
   * @throws {RequestError} when the asking gateway would pass on what the API must not get from the client, or change to a protocol
   *   other than WebSocket
   */
  answer(response: ServerResponse, question: Question, destination: Destination): void;
}

export interface Question {
  /** The request that was decided. */
  readonly original: IncomingMessage;
  readonly endpoint: DecisionEndpointConfig;
}

export interface DecisionEndpointsDependencies {
  readonly isTrustedProxy: IsTrustedProxy;
  /** Names of cookies that hold tokens. */
  readonly tokenCookies: readonly string[];
  /** Names of headers that would tell an API who calls. */
  readonly identityHeaders: readonly string[];
  /** Where trusted proxies pass the client certificate, in lower case. */
  readonly certificateHeader: string | undefined;
}

/** @throws {TypeError} for a redirect to what is no named location of NGINX */
export function createDecisionEndpoints(
  endpoints: readonly DecisionEndpointConfig[],
  { isTrustedProxy, tokenCookies, identityHeaders, certificateHeader }: DecisionEndpointsDependencies,
): DecisionEndpoints {
  for (const endpoint of endpoints) checkRedirect(endpoint);
  const tellsWho = identityMatcher(identityHeaders, certificateHeader);
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
    answersPreflight(original, { for: kind, accelRedirect }) {
      const isGivenToClient = kind === 'nginx' ? accelRedirect !== undefined : kind !== 'traefik';
      return isGivenToClient && isPreflight(original);
    },
    answer(response, { original, endpoint }, destination) {
      if (asksToUpgrade(original)) checkHandshake(original);
      refuseOtherTokens(original, destination.clientHeld, tokenCookies);
      refuseIdentities(original, tellsWho);
      answer(response, original, endpoint, destination);
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

/** `X-Forwarded-User` and the like are identities; these, gateways say themselves. */
const forwardedByGateways = ['for', 'host', 'method', 'port', 'prefix', 'proto', 'scheme', 'server', 'uri'];

/** Whether a header tells an API who calls. Where the client is, the asking gateway and those before it say themselves. */
function identityMatcher(names: readonly string[], certificateHeader: string | undefined): (name: string) => boolean {
  const isIdentity = createNameMatcher([...names, 'x-forwarded-*']);
  const isSaidByGateways = createNameMatcher([
    ...addressHeaders,
    ...forwardedByGateways.map((name) => `x-forwarded-${name}`),
    'x-auth-request-redirect', // ingress-nginx: where to sign in leads back to
    ...(certificateHeader === undefined ? [] : [certificateHeader]),
  ]);
  return (name) => isIdentity(name) && !isSaidByGateways(name);
}

function refuseIdentities({ headers }: IncomingMessage, tellsWho: (name: string) => boolean): void {
  for (const name in headers) {
    if (tellsWho(name)) {
      throw new RequestError('invalid_request', `the header ${name} says who calls, which a client must not`);
    }
  }
}

function checkRedirect({ for: kind, accelRedirect }: DecisionEndpointConfig): void {
  if (accelRedirect === undefined) return;
  if (kind !== 'nginx') throw new TypeError('decisionEndpoints: accelRedirect is for nginx only');
  // NGINX makes GET of a request that is redirected to anything else.
  if (!/^@[\w-]+$/.test(accelRedirect)) {
    throw new TypeError(`decisionEndpoints: accelRedirect must be like "@api": ${JSON.stringify(accelRedirect)}`);
  }
}

function answer(
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
      // Envoy keeps what it is not told to remove; the others know the headers from their configuration.
      ...(absent.length > 0 && { 'X-Envoy-Auth-Headers-To-Remove': absent.join(',').toLowerCase() }),
      // NGINX would send `Cache-Control` on with the answer of the API.
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
