import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import type { ResourceServerError } from '@tallystick/resource-server';
import { breakOff } from '../answer.ts';
import { UpstreamFailedError } from '../errors.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { cleanResponseHead, isForwardable } from './response_head.ts';
import { watchSilence } from './silence.ts';
import { upstreamFailure } from './upstream_failure.ts';

/**
 * Sends a request upstream and its response back, both streamed. The request's headers are already those for the upstream.
 *
 * @param timeout milliseconds of silence until the response begins
 * @param refuse answers when the upstream does not, or breaks off the answer that has begun
 */
export type ForwardRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  target: ProxyTarget,
  timeout: number,
  refuse: Refuse,
) => void;

export type Refuse = (error: ResourceServerError) => void;

/** What is known about a request on its way upstream. It travels with the options that http-proxy hands on to its events. */
interface Exchange {
  readonly refuse: Refuse;
  /** Milliseconds. */
  readonly timeout: number;
  readonly mayKeepAlive: () => boolean;
  /** It went over a connection that had served others before, and that may have been closed at the same moment. */
  usedConnection: boolean;
}

/** @param mayKeepAlive whether the client's connection may serve further requests; asked when the response begins */
export function createForwardRequest(mayKeepAlive: () => boolean): ForwardRequest {
  const proxy = createHardenedProxy();

  // Emitted for every request, because `expect` never goes upstream, and before anything was sent.
  proxy.on('proxyReq', (upstreamRequest, request, response, options) => {
    watch(upstreamRequest, request, response, (options as { exchange: Exchange }).exchange);
  });

  return (request, response, target, timeout, refuse) => {
    const exchange: Exchange = { refuse, timeout, mayKeepAlive, usedConnection: false };
    const send = (to: ProxyTarget, fail: (error: Error) => void) => {
      proxy.web(request, response, Object.assign(proxyOptions(to), { exchange }), fail);
    };
    const fail = (error: Error) => refuse(upstreamFailure(error));
    // Nothing to do about an error here: the response is closed then, and its `close` is heard.
    response.on('error', () => {});
    send(target, (error) => {
      const mayRepeat = exchange.usedConnection && isBrokenConnection(error) && isRepeatable(request);
      if (mayRepeat && !response.headersSent) send({ ...target, agent: undefined }, fail);
      else fail(error);
    });
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
  exchange.usedConnection = upstreamRequest.reusedSocket;
  let settled = false;
  response.once('close', () => {
    if (!response.writableFinished) upstreamRequest.destroy();
  });
  const stopWatchingSilence = watchSilence(upstreamRequest, request, exchange.timeout);
  // Before http-proxy's own listener, which copies the status and the headers.
  upstreamRequest.prependOnceListener('response', (upstreamResponse: IncomingMessage) => {
    settled = true;
    // A response may pause for as long as it likes: an event stream does.
    stopWatchingSilence();
    if (!exchange.mayKeepAlive()) response.shouldKeepAlive = false;
    judge(upstreamResponse, response, exchange.refuse);
  });
  upstreamRequest.once('error', () => {
    settled = true;
  });
  upstreamRequest.once('close', () => {
    // After a 101 that nobody asked for, Node.js closes without an error.
    if (!settled) exchange.refuse(new UpstreamFailedError('the API broke off the connection'));
  });
}

/** Lets http-proxy pass on a response that can be passed on. A response that is answered otherwise it leaves alone. */
function judge(upstreamResponse: IncomingMessage, response: ServerResponse, refuse: Refuse): void {
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    refuse(new UpstreamFailedError('the API answered with something that cannot be passed on'));
    return;
  }
  cleanResponseHead(upstreamResponse, response);
  upstreamResponse.once('close', () => {
    if (upstreamResponse.complete) return;
    if (response.headersSent) breakOff(response);
    else refuse(new UpstreamFailedError('the API broke off its response'));
  });
  if (upstreamResponse.headers['content-length'] === undefined) sendHeadSoon(response);
}

function isBrokenConnection(error: NodeJS.ErrnoException): boolean {
  return error.code === 'ECONNRESET' || error.code === 'EPIPE';
}

/** RFC 9110 section 9.2.2: what has no effect, and no body that would be gone, may be sent a second time. */
function isRepeatable({ method, headers }: IncomingMessage): boolean {
  const isSafe = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  return isSafe && headers['content-length'] === undefined && headers['transfer-encoding'] === undefined;
}

/** http-proxy sends the head with the first bytes of the body, which an event stream may not have for a long time. */
function sendHeadSoon(response: ServerResponse): void {
  setImmediate(() => {
    if (!response.headersSent && !response.destroyed) response.flushHeaders();
  });
}
