import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { ResourceServerError } from '@tallystick/resource-server';
import { breakOff } from '../http/answer.ts';
import { removeSetCookies } from '../http/cookies.ts';
import { applyCors } from '../http/cors.ts';
import { causeCode, RequestError, UpstreamFailedError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { Upstream } from '../routes/upstream.ts';
import type { CallTrace, RequestTrace } from '../tracing/request_trace.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { limitBody, watchSilence, watchSlowBody } from './request_limits.ts';
import { cleanResponseHead, isForwardable, passInterimResponses } from './response_head.ts';
import { startUpstreamCall } from './upstream_call.ts';
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

export type Refuse = (error: ResourceServerError) => void;

/** What is known about a request on its way upstream. It travels with the options that http-proxy hands on to its events. */
interface Exchange extends ForwardRequestOptions {
  readonly refuse: Refuse;
  readonly forwarding: Forwarding;
  /** The span of its way. */
  call: CallTrace | undefined;
  /** By `performance.now()`. */
  sentAt: number;
  /** Where it is sent. */
  upstream: Upstream;
  /** There was a connection, so that the upstream may have seen something of it. */
  connected: boolean;
  /** It went over a connection that had served others before, and that may have been closed at the same moment. */
  usedConnection: boolean;
  /** What the upstream answered, once it has begun to. */
  upstreamResponse: IncomingMessage | undefined;
}

export interface ForwardRequestOptions {
  /** Whether the client's connection may serve further requests; asked when the response begins. */
  readonly mayKeepAlive: () => boolean;
  readonly answered: OnAnswer | undefined;
  /** Names of cookies that hold tokens, which no upstream may set. */
  readonly tokenCookies: readonly string[];
  /** Milliseconds in which a client must get on with its body. */
  readonly clientTimeout: number;
}

export function createForwardRequest(options: ForwardRequestOptions): ForwardRequest {
  const proxy = createHardenedProxy();

  // Emitted for every request, because `expect` never goes upstream, and before anything was sent.
  proxy.on('proxyReq', (upstreamRequest, request, response, options) => {
    watch(upstreamRequest, request, response, (options as { exchange: Exchange }).exchange);
  });

  return (request, response, target, forwarding, refuse, trace) => {
    const { upstreams } = forwarding;
    const exchange: Exchange = {
      refuse(error) {
        exchange.call?.failed(causeCode(error));
        if (!(error instanceof RequestError || response.destroyed)) upstreams.failed(exchange.upstream);
        refuse(error);
      },
      forwarding,
      mayKeepAlive: options.mayKeepAlive,
      answered: options.answered,
      tokenCookies: options.tokenCookies,
      clientTimeout: options.clientTimeout,
      call: undefined,
      sentAt: 0,
      upstream: target.upstream,
      connected: false,
      usedConnection: false,
      upstreamResponse: undefined,
    };
    let hasMoved = false;
    let isOnNewConnection = false;

    function send(to: ProxyTarget): void {
      exchange.connected = false;
      exchange.call = startUpstreamCall(request, to.upstream, trace);
      exchange.sentAt = performance.now();
      proxy.web(request, response, Object.assign(proxyOptions(to), { exchange }), failed);
    }

    function failed(error: Error): void {
      // Whatever happens to the connection after a whole response takes nothing from it: the upstream reads no further, say.
      if (exchange.upstreamResponse?.complete) return;
      exchange.call?.failed(causeCode(error));
      if (response.headersSent || response.destroyed || !sendAgain(error)) exchange.refuse(upstreamFailure(error));
    }

    /** @returns false where the error has to stand */
    function sendAgain(error: Error): boolean {
      if (!isOnNewConnection && exchange.usedConnection && isBrokenConnection(error) && isIdempotent(request)) {
        isOnNewConnection = true;
        send({ ...target, upstream: exchange.upstream, agent: undefined });
        return true;
      }
      if (hasMoved || exchange.connected || isOurs(error) || !isIdempotent(request)) return false;
      const other = upstreams.pickOther(exchange.upstream);
      if (other === undefined) return false;
      upstreams.failed(exchange.upstream);
      exchange.upstream = other;
      if (!forwarding.preservesHost) request.headers.host = other.host;
      hasMoved = true;
      isOnNewConnection = false;
      send({ ...target, upstream: other });
      return true;
    }

    // Nothing to do about an error here: the response is closed then, and its `close` is heard.
    response.on('error', () => {});
    // http-proxy says nothing of a request whose client has left.
    if (trace) response.once('close', () => exchange.call?.failed('closed'));
    send(target);
  };
}

/** Binds the two halves together, so that neither waits for the other when it is gone, and judges the response. */
function watch(
  upstreamRequest: ClientRequest,
  request: IncomingMessage,
  response: ServerResponse,
  exchange: Exchange,
): void {
  if (response.destroyed) {
    upstreamRequest.destroy();
    return;
  }
  const { refuse, forwarding } = exchange;
  exchange.usedConnection = upstreamRequest.reusedSocket;
  const { socket } = upstreamRequest;
  exchange.connected = socket?.connecting === false;
  // A connection that is used again would collect a listener from each request.
  if (socket?.connecting) {
    socket.once('connect', () => {
      exchange.connected = true;
    });
  }
  passInterimResponses(upstreamRequest, response);
  if (forwarding.maxBodyBytes !== undefined) limitBody(upstreamRequest, request, forwarding.maxBodyBytes);
  let settled = false;
  response.once('close', () => {
    if (!response.writableFinished) upstreamRequest.destroy();
  });
  const stopWatchingSilence = watchSilence(upstreamRequest, request, forwarding.timeout);
  const stopWatchingBody = watchSlowBody(upstreamRequest, request, exchange.clientTimeout);
  // Before http-proxy's own listener, which copies the status and the headers.
  upstreamRequest.prependOnceListener('response', (upstreamResponse: IncomingMessage) => {
    settled = true;
    exchange.upstreamResponse = upstreamResponse;
    // A response may pause for as long as it likes: an event stream does.
    stopWatchingSilence();
    stopWatchingBody();
    if (!exchange.mayKeepAlive()) response.shouldKeepAlive = false;
    judge(upstreamResponse, request, response, exchange);
  });
  upstreamRequest.once('error', () => {
    settled = true;
  });
  // One that nobody asked for: upgrades have a way of their own.
  upstreamRequest.once('upgrade', (_upstreamResponse, socket) => {
    settled = true;
    socket.destroy();
    refuse(new UpstreamFailedError('unexpected_upgrade'));
  });
  upstreamRequest.once('close', () => {
    if (!settled) refuse(new UpstreamFailedError('connection_reset'));
  });
}

/** Lets http-proxy pass on a response that can be passed on. A response that is answered otherwise it leaves alone. */
function judge(
  upstreamResponse: IncomingMessage,
  request: IncomingMessage,
  response: ServerResponse,
  { refuse, forwarding, upstream, answered, tokenCookies, call, sentAt }: Exchange,
): void {
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    refuse(new UpstreamFailedError('malformed_response'));
    return;
  }
  forwarding.upstreams.answered(upstream, upstreamResponse.statusCode ?? 0);
  answered?.(forwarding, performance.now() - sentAt);
  call?.answered(upstreamResponse.statusCode ?? 0);
  cleanResponseHead(upstreamResponse, response);
  removeSetCookies(upstreamResponse.headers, tokenCookies);
  forwarding.rewriteResponse?.(upstreamResponse.headers, request.headers);
  if (forwarding.cors) applyCors(upstreamResponse.headers, forwarding.cors, request.headers.origin);
  upstreamResponse.once('close', () => {
    if (upstreamResponse.complete) return;
    if (response.headersSent) breakOff(response);
    else refuse(new UpstreamFailedError('response_broken_off'));
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
