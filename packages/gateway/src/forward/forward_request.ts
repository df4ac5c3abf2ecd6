import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { ResourceServerError } from '@tallystick/resource-server';
import { breakOff } from '../http/answer.ts';
import { applyCors } from '../http/cors.ts';
import { causeCode, UpstreamFailedError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { RequestTrace } from '../tracing/request_trace.ts';
import { acceptResponse, beginAttempt, type Exchange, failExchange, type Refuse } from './exchange.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { limitBody, watchIdle, watchSlowBody } from './request_limits.ts';
import { cleanResponseHead, isForwardable, passInterimResponses } from './response_head.ts';
import { isBrokenConnection } from './upstream_agents.ts';
import { upstreamFailure } from './upstream_failure.ts';

/**
 * Streams a request to an upstream, and the response back. The headers of the request are already the ones for the upstream.
 *
 * @param refuse is called when the upstream fails
 * @param trace the trace of the request, if requests are traced
 */
export type ForwardRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  target: ProxyTarget,
  forwarding: Forwarding,
  refuse: Refuse,
  trace: RequestTrace | undefined,
) => void;

/** Called when an upstream begins to answer. @param milliseconds since the request was sent */
export type OnAnswer = (forwarding: Forwarding, milliseconds: number) => void;

export interface ForwardRequestOptions {
  /** Whether the client's connection may be kept alive; called when the response begins. */
  readonly mayKeepAlive: () => boolean;
  readonly answered: OnAnswer | undefined;
  /** Names of cookies that hold tokens. No upstream may set them. */
  readonly tokenCookies: readonly string[];
  /** Milliseconds in which a client must send a minimum of its body. */
  readonly clientTimeout: number;
}

interface RequestExchange extends Exchange {
  readonly client: ServerResponse;
  readonly options: ForwardRequestOptions;
  /** There is a connection, so the upstream may have seen part of the request. */
  connected: boolean;
  /** The connection served other requests before, so the upstream may have closed it at the same moment. */
  isOnReusedConnection: boolean;
  /** The request was sent again on a new connection because of that. */
  isOnNewConnection: boolean;
  /** The request was sent to a second upstream. */
  hasMoved: boolean;
  /** The response of the upstream, once it has begun. */
  upstreamResponse: IncomingMessage | undefined;
}

export function createForwardRequest(options: ForwardRequestOptions): ForwardRequest {
  const proxy = createHardenedProxy();

  // http-proxy emits this for every request, because `expect` never goes upstream, and before anything is sent.
  proxy.on('proxyReq', (upstreamRequest, _request, _response, options) => {
    attach(upstreamRequest, (options as { exchange: RequestExchange }).exchange);
  });

  return (request, response, target, forwarding, refuse, trace) => {
    const exchange: RequestExchange = {
      request,
      client: response,
      forwarding,
      refuse,
      trace,
      options,
      call: undefined,
      sentAt: 0,
      upstream: target.upstream,
      connected: false,
      isOnReusedConnection: false,
      isOnNewConnection: false,
      hasMoved: false,
      upstreamResponse: undefined,
    };

    function send(to: ProxyTarget): void {
      exchange.connected = false;
      beginAttempt(exchange, to.upstream);
      proxy.web(request, response, Object.assign(proxyOptions(to), { exchange }), failed);
    }

    function failed(error: Error): void {
      // The response is complete, so an error of the connection does not matter: the upstream may have stopped reading, for example.
      if (exchange.upstreamResponse?.complete) return;
      exchange.call?.failed(causeCode(error));
      const retry = response.headersSent || response.destroyed ? undefined : retryTarget(exchange, target, error);
      if (retry === undefined) failExchange(exchange, upstreamFailure(error));
      else send(retry);
    }

    // Without this listener, an error would end the process. The `close` event that follows is handled.
    response.on('error', () => {});
    // http-proxy emits nothing when the client disconnects.
    if (trace) response.once('close', () => exchange.call?.failed('closed'));
    send(target);
  };
}

/** @returns where to send a failed request again: on a new connection, or to another upstream; undefined if it must not be sent again */
function retryTarget(exchange: RequestExchange, target: ProxyTarget, error: Error): ProxyTarget | undefined {
  const { request, forwarding, upstream } = exchange;
  if (!isIdempotent(request)) return undefined;
  if (!exchange.isOnNewConnection && exchange.isOnReusedConnection && isBrokenConnection(error)) {
    exchange.isOnNewConnection = true;
    return { ...target, upstream, agent: undefined };
  }
  // An error of the gateway itself, such as its timeout, must not be retried.
  if (exchange.hasMoved || exchange.connected || error instanceof ResourceServerError) return undefined;
  const other = forwarding.upstreams.pickOther(upstream);
  if (other === undefined) return undefined;
  forwarding.upstreams.failed(upstream);
  if (!forwarding.preservesHost) request.headers.host = other.host;
  exchange.hasMoved = true;
  exchange.isOnNewConnection = false;
  return { ...target, upstream: other };
}

/** Attaches the limits and the listeners of an attempt, so that neither side waits for the other once it is gone. */
function attach(upstreamRequest: ClientRequest, exchange: RequestExchange): void {
  const { request, client: response, forwarding, options } = exchange;
  if (response.destroyed) {
    upstreamRequest.destroy();
    return;
  }
  watchConnection(upstreamRequest, exchange);
  passInterimResponses(upstreamRequest, response);
  if (forwarding.maxBodyBytes !== undefined) limitBody(upstreamRequest, request, forwarding.maxBodyBytes);
  let settled = false;
  response.once('close', () => {
    if (response.writableFinished && request.complete) return;
    // The gateway has answered a malformed body itself. The upstream, which waits for the rest, has not failed.
    if (response.writableFinished) settled = true;
    upstreamRequest.destroy();
  });
  const stopWatchingIdle = watchIdle(upstreamRequest, request, forwarding.timeout);
  const stopWatchingBody = watchSlowBody(upstreamRequest, request, options.clientTimeout);
  // This listener must run before the one of http-proxy, which copies the status and the headers.
  upstreamRequest.prependOnceListener('response', (upstreamResponse: IncomingMessage) => {
    settled = true;
    exchange.upstreamResponse = upstreamResponse;
    // A response may pause for any time, as an event stream does.
    stopWatchingIdle();
    stopWatchingBody();
    if (!options.mayKeepAlive()) response.shouldKeepAlive = false;
    passOrRefuse(upstreamResponse, exchange);
  });
  upstreamRequest.once('error', () => {
    settled = true;
  });
  // The request did not ask for an upgrade: `forward_upgrade.ts` sends those that do.
  upstreamRequest.once('upgrade', (_upstreamResponse, socket) => {
    settled = true;
    socket.destroy();
    failExchange(exchange, new UpstreamFailedError('unexpected_upgrade'));
  });
  upstreamRequest.once('close', () => {
    if (!settled) failExchange(exchange, new UpstreamFailedError('connection_reset'));
  });
}

/** It adds a listener to a new connection only: a reused one would collect a listener from each request. */
function watchConnection({ socket, reusedSocket }: ClientRequest, exchange: RequestExchange): void {
  exchange.isOnReusedConnection = reusedSocket;
  exchange.connected = socket?.connecting === false;
  if (socket?.connecting) {
    socket.once('connect', () => {
      exchange.connected = true;
    });
  }
}

/** Prepares a response for http-proxy to pass on, or refuses the request. http-proxy ignores a request that is already answered. */
function passOrRefuse(upstreamResponse: IncomingMessage, exchange: RequestExchange): void {
  const { request, client: response, forwarding, options } = exchange;
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    failExchange(exchange, new UpstreamFailedError('malformed_response'));
    return;
  }
  acceptResponse(exchange, upstreamResponse, options.tokenCookies);
  options.answered?.(forwarding, performance.now() - exchange.sentAt);
  cleanResponseHead(upstreamResponse, response);
  if (forwarding.cors) applyCors(upstreamResponse.headers, forwarding.cors, request.headers.origin);
  upstreamResponse.once('close', () => {
    if (upstreamResponse.complete) return;
    if (response.headersSent) breakOff(response);
    else failExchange(exchange, new UpstreamFailedError('response_broken_off'));
  });
  if (upstreamResponse.headers['content-length'] === undefined) sendHeadSoon(response);
}

/** Whether a request may be sent twice (RFC 9110 section 9.2.2). A body can be read only once. */
function isIdempotent(request: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].includes(request.method ?? '') && !hasBody(request);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
}

/** http-proxy sends the head with the first bytes of the body. In an event stream they may come much later. */
function sendHeadSoon(response: ServerResponse): void {
  setImmediate(() => {
    if (!response.headersSent && !response.destroyed) response.flushHeaders();
  });
}
