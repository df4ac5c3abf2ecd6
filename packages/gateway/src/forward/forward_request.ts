import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { ResourceServerError } from '@tallystick/resource-server';
import { breakOff } from '../http/answer.ts';
import { applyCors } from '../http/cors.ts';
import { causeCode, UpstreamFailedError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { RequestTrace } from '../tracing/request_trace.ts';
import { answeredBy, type Exchange, failExchange, type Refuse, sendingTo } from './exchange.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { limitBody, watchSilence, watchSlowBody } from './request_limits.ts';
import { cleanResponseHead, isForwardable, passInterimResponses } from './response_head.ts';
import { upstreamFailure } from './upstream_failure.ts';
import { isBrokenConnection } from './write_errors.ts';

/**
 * Sends a request upstream and its response back, both streamed. The request's headers are already those for the upstream.
 *
 * @param refuse answers when the upstream does not, or breaks off the answer that has begun
 * @param trace of the request, where requests are traced; each time it is sent has a span of its own
 */
export type ForwardRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  target: ProxyTarget,
  forwarding: Forwarding,
  refuse: Refuse,
  trace: RequestTrace | undefined,
) => void;

/** @param milliseconds since the request was sent */
export type OnAnswer = (forwarding: Forwarding, milliseconds: number) => void;

export interface ForwardRequestOptions {
  /** Whether the client's connection may serve further requests; asked when the response begins. */
  readonly mayKeepAlive: () => boolean;
  readonly answered: OnAnswer | undefined;
  /** Names of cookies that hold tokens, which no upstream may set. */
  readonly tokenCookies: readonly string[];
  /** Milliseconds in which a client must get on with its body. */
  readonly clientTimeout: number;
}

interface RequestExchange extends Exchange {
  readonly client: ServerResponse;
  readonly options: ForwardRequestOptions;
  /** There was a connection, so that the upstream may have seen something of it. */
  connected: boolean;
  /** It went over a connection that had served others before, and that may have been closed at the same moment. */
  usedConnection: boolean;
  /** It was sent a second time because of that. */
  isOnNewConnection: boolean;
  /** It was sent to another upstream than the first. */
  hasMoved: boolean;
  /** What the upstream answered, once it has begun to. */
  upstreamResponse: IncomingMessage | undefined;
}

export function createForwardRequest(options: ForwardRequestOptions): ForwardRequest {
  const proxy = createHardenedProxy();

  // Emitted for every request, because `expect` never goes upstream, and before anything was sent.
  proxy.on('proxyReq', (upstreamRequest, _request, _response, options) => {
    watch(upstreamRequest, (options as { exchange: RequestExchange }).exchange);
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
      usedConnection: false,
      isOnNewConnection: false,
      hasMoved: false,
      upstreamResponse: undefined,
    };

    function send(to: ProxyTarget): void {
      exchange.connected = false;
      sendingTo(exchange, to.upstream);
      proxy.web(request, response, Object.assign(proxyOptions(to), { exchange }), failed);
    }

    function failed(error: Error): void {
      // Whatever happens to the connection after a whole response takes nothing from it: the upstream reads no further, say.
      if (exchange.upstreamResponse?.complete) return;
      exchange.call?.failed(causeCode(error));
      const again = response.headersSent || response.destroyed ? undefined : secondTry(exchange, target, error);
      if (again === undefined) failExchange(exchange, upstreamFailure(error));
      else send(again);
    }

    // Nothing to do about an error here: the response is closed then, and its `close` is heard.
    response.on('error', () => {});
    // http-proxy says nothing of a request whose client has left.
    if (trace) response.once('close', () => exchange.call?.failed('closed'));
    send(target);
  };
}

/** Where a request that failed is sent again: on a new connection, or to another upstream. @returns undefined where the error has to stand */
function secondTry(exchange: RequestExchange, target: ProxyTarget, error: Error): ProxyTarget | undefined {
  const { request, forwarding, upstream } = exchange;
  if (!isIdempotent(request)) return undefined;
  if (!exchange.isOnNewConnection && exchange.usedConnection && isBrokenConnection(error)) {
    exchange.isOnNewConnection = true;
    return { ...target, upstream, agent: undefined };
  }
  if (exchange.hasMoved || exchange.connected || isOurs(error)) return undefined;
  const other = forwarding.upstreams.pickOther(upstream);
  if (other === undefined) return undefined;
  forwarding.upstreams.failed(upstream);
  if (!forwarding.preservesHost) request.headers.host = other.host;
  exchange.hasMoved = true;
  exchange.isOnNewConnection = false;
  return { ...target, upstream: other };
}

/** Binds the two halves together, so that neither waits for the other when it is gone, and judges the response. */
function watch(upstreamRequest: ClientRequest, exchange: RequestExchange): void {
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
    // An answer of ours to a malformed body is no failure of the upstream, which waits for the rest of the request.
    if (response.writableFinished) settled = true;
    upstreamRequest.destroy();
  });
  const stopWatchingSilence = watchSilence(upstreamRequest, request, forwarding.timeout);
  const stopWatchingBody = watchSlowBody(upstreamRequest, request, options.clientTimeout);
  // Before http-proxy's own listener, which copies the status and the headers.
  upstreamRequest.prependOnceListener('response', (upstreamResponse: IncomingMessage) => {
    settled = true;
    exchange.upstreamResponse = upstreamResponse;
    // A response may pause for as long as it likes: an event stream does.
    stopWatchingSilence();
    stopWatchingBody();
    if (!options.mayKeepAlive()) response.shouldKeepAlive = false;
    judge(upstreamResponse, exchange);
  });
  upstreamRequest.once('error', () => {
    settled = true;
  });
  // One that nobody asked for: upgrades have a way of their own.
  upstreamRequest.once('upgrade', (_upstreamResponse, socket) => {
    settled = true;
    socket.destroy();
    failExchange(exchange, new UpstreamFailedError('unexpected_upgrade'));
  });
  upstreamRequest.once('close', () => {
    if (!settled) failExchange(exchange, new UpstreamFailedError('connection_reset'));
  });
}

/** A connection that is used again would collect a listener from each request. */
function watchConnection({ socket, reusedSocket }: ClientRequest, exchange: RequestExchange): void {
  exchange.usedConnection = reusedSocket;
  exchange.connected = socket?.connecting === false;
  if (socket?.connecting) {
    socket.once('connect', () => {
      exchange.connected = true;
    });
  }
}

/** Lets http-proxy pass on a response that can be passed on. A response that is answered otherwise it leaves alone. */
function judge(upstreamResponse: IncomingMessage, exchange: RequestExchange): void {
  const { request, client: response, forwarding, options } = exchange;
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    failExchange(exchange, new UpstreamFailedError('malformed_response'));
    return;
  }
  answeredBy(exchange, upstreamResponse, options.tokenCookies);
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

/** The end of our own patience, say, which is not to be tried twice. */
function isOurs(error: Error): boolean {
  return error instanceof ResourceServerError;
}

/** RFC 9110 section 9.2.2: what may be sent a second time. A body would be gone by then. */
function isIdempotent(request: IncomingMessage): boolean {
  return ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].includes(request.method ?? '') && !hasBody(request);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
}

/** http-proxy sends the head with the first bytes of the body, which an event stream may not have for a long time. */
function sendHeadSoon(response: ServerResponse): void {
  setImmediate(() => {
    if (!response.headersSent && !response.destroyed) response.flushHeaders();
  });
}
