import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { JwtAccessTokenClaims } from '@tallystick/resource-server';
import type { Credentials } from '../authorize/credentials.ts';
import type { GatewayConfig } from '../config/config.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import { parseUpstream, type Upstream } from '../routes/upstream_pool.ts';
import type { UpstreamTls } from '../routes/upstream_tls.ts';
import type { RequestTrace } from '../tracing/request_trace.ts';
import type { Refuse } from './exchange.ts';
import { createForwardRequest, type OnAnswer } from './forward_request.ts';
import { createForwardUpgrade, type UpgradeWatch } from './forward_upgrade.ts';
import { createRequestHeaders, type RequestHeaderOptions, withUpgrade } from './request_headers.ts';
import { checkBodyLength } from './request_limits.ts';
import { createUpstreamAgents, type UpstreamAgents } from './upstream_agents.ts';

/** Where an authorized request goes, and with which credentials. */
export interface Destination {
  readonly forwarding: Forwarding;
  /** The request target, sent byte for byte. */
  readonly target: string;
  /** The `Authorization` header for the API, in place of the client's; undefined for none. */
  readonly authorization: string | undefined;
  /** The client's credentials, and their claims if the gateway knows them; undefined on a public route. */
  readonly credentials?: Credentials | undefined;
  readonly claims?: JwtAccessTokenClaims | undefined;
  /** The client-held token. Other headers that contain it are removed. */
  readonly clientHeld: string | undefined;
  /** The DPoP proof, if the API checks it itself (RFC 9449). Otherwise the client's proof is removed. */
  readonly dpop?: string | undefined;
  /** The client's certificate in the format of RFC 9440, if the API compares it with the token itself. */
  readonly clientCertificate?: string | undefined;
  /** The nonce for the client's next proof. It is for the client, not for the API. */
  readonly dpopNonce?: string | undefined;
}

/** A request that is about to go to its upstream. Its headers are those for the upstream. */
export interface UpstreamCall {
  readonly request: IncomingMessage;
  /** The response to the client. */
  readonly response: ServerResponse;
  /** The request target for the upstream. */
  readonly target: string;
  /** Resource indicator of the API; undefined on a public route. */
  readonly api: string | undefined;
  /** Scheme and authority. */
  readonly origin: string;
}

export interface ForwarderOptions extends RequestHeaderOptions {
  /**
   * Sees each request before it goes to its upstream, and may send it to another origin. It does not see WebSockets. For tests.
   *
   * @returns undefined for the upstream of the route
   */
  readonly divert?: ((call: UpstreamCall) => string | undefined) | undefined;
  /** Whether client connections may be kept alive. Default: yes. */
  readonly mayKeepAlive?: () => boolean;
  readonly answered?: OnAnswer | undefined;
  /** The trusted CAs for upstreams on https. Default: the CAs of Node.js. */
  readonly secureContext?: SecureContext | undefined;
  readonly timeouts: Pick<GatewayConfig['timeouts'], 'client' | 'upstreamConnection'>;
}

/**
 * Sends requests to their APIs. It decides which headers of a request reach an API before http-proxy sees the request: http-proxy
 * copies `request.headers`, and no other part of the head.
 */
export interface Forwarder {
  /**
   * @param refuse is called when the upstream fails
   * @param trace the trace of the request, if requests are traced
   * @throws {RequestError} when the request cannot be forwarded; nothing was sent then
   */
  request(
    request: IncomingMessage,
    response: ServerResponse,
    destination: Destination,
    refuse: Refuse,
    trace?: RequestTrace,
  ): void;
  /**
   * @param trace the trace of the request, if requests are traced
   * @throws {RequestError} when the request cannot be forwarded; nothing was sent then
   */
  upgrade(
    request: IncomingMessage,
    socket: Socket,
    head: Buffer,
    destination: Destination,
    watch: UpgradeWatch,
    trace?: RequestTrace,
  ): void;
  /** Closes the connections to upstreams. */
  close(): void;
}

/** RFC 9110 section 10.1.1. HTTP/1.0 has no interim responses. */
function waitsForContinue({ headers, httpVersion }: IncomingMessage): boolean {
  return headers.expect?.toLowerCase() === '100-continue' && httpVersion === '1.1';
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const { mayKeepAlive = () => true, answered, tokenCookies = [], secureContext, timeouts, divert } = options;
  const requestHeaders = createRequestHeaders(options);
  const forwardRequest = createForwardRequest({ mayKeepAlive, answered, tokenCookies, clientTimeout: timeouts.client });
  const forwardUpgrade = createForwardUpgrade(tokenCookies, timeouts.client);
  const agents = createUpstreamAgents(timeouts.upstreamConnection);

  /** Routes with their own TLS settings have their own agents: Node.js would share connections between them. */
  const agentsOfRoutes = new Map<UpstreamTls, UpstreamAgents>();

  function agentsFor({ tls }: Forwarding): UpstreamAgents {
    if (tls === undefined) return agents;
    const known = agentsOfRoutes.get(tls) ?? createUpstreamAgents(timeouts.upstreamConnection);
    agentsOfRoutes.set(tls, known);
    return known;
  }

  function connectionFor({ tls, maxResponseHeaderBytes }: Forwarding) {
    return {
      secureContext: tls?.secureContext ?? secureContext,
      servername: tls?.servername,
      maxHeaderSize: maxResponseHeaderBytes,
    };
  }

  function headersFor(request: IncomingMessage, upstream: Upstream, destination: Destination) {
    const { forwarding, authorization, clientHeld, dpop, clientCertificate } = destination;
    const { strippedPrefix, preservesHost, tokenSubprotocol } = forwarding;
    const { host } = upstream;
    const presented = { authorization, clientHeld, dpop, clientCertificate };
    return requestHeaders(request, { host, preservesHost, tokenSubprotocol, strippedPrefix, ...presented });
  }

  return {
    request(request, response, destination, refuse, trace) {
      const { forwarding, target } = destination;
      if (forwarding.maxBodyBytes !== undefined) checkBodyLength(request, forwarding.maxBodyBytes);
      const picked = forwarding.upstreams.pick();
      if (waitsForContinue(request)) response.writeContinue();
      request.headers = headersFor(request, picked, destination);
      const { api } = forwarding;
      const elsewhere = divert?.({ request, response, target, api, origin: `${picked.protocol}//${picked.host}` });
      const upstream = elsewhere === undefined ? picked : parseUpstream(elsewhere);
      const agent = agentsFor(forwarding)[upstream.protocol];
      const to = { upstream, target, agent, ...connectionFor(forwarding) };
      forwardRequest(request, response, to, forwarding, refuse, trace);
    },
    upgrade(request, socket, head, destination, watch, trace) {
      const { forwarding, target } = destination;
      const upstream = forwarding.upstreams.pick();
      request.headers = withUpgrade(headersFor(request, upstream, destination));
      const to = { upstream, target, ...connectionFor(forwarding) };
      forwardUpgrade(request, socket, head, to, forwarding, watch, trace);
    },
    close() {
      for (const kept of [agents, ...agentsOfRoutes.values()]) {
        kept['http:'].destroy();
        kept['https:'].destroy();
      }
    },
  };
}
