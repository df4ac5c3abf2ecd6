import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { responseOnSocket } from '../http/answer.ts';
import { UpstreamFailedError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { RequestTrace } from '../tracing/request_trace.ts';
import { acceptResponse, beginAttempt, type Exchange, failExchange, type Refuse } from './exchange.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { watchIdle } from './request_limits.ts';
import { cleanResponseHead, isForwardable } from './response_head.ts';
import { upstreamFailure } from './upstream_failure.ts';
import { type CloseReason, closeFrame, createFrameFollower } from './websocket_frames.ts';

/**
 * Sends a WebSocket handshake to an upstream and, once the upstream accepts, relays both directions. The headers of the request are
 * already the ones for the upstream, and the caller has added an error listener to the socket.
 */
export type ForwardUpgrade = (
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
  target: ProxyTarget,
  forwarding: Forwarding,
  watch: UpgradeWatch,
  trace: RequestTrace | undefined,
) => void;

/** Callbacks for the outcome of an upgrade. */
export interface UpgradeWatch {
  /** Refuses the request on the socket when the upstream fails. */
  readonly refuse: Refuse;
  /** The upstream began to answer. @param status 101 if it accepts */
  readonly answered: (status: number) => void;
  /** The WebSocket is open. */
  readonly opened: OnOpen;
}

/** @param close closes the WebSocket with a close frame */
export type OnOpen = (close: CloseWebSocket) => void;

/** Closes both sides of a WebSocket, each as soon as no frame to it is incomplete. Only the first call has an effect. */
export type CloseWebSocket = (closing: Closing) => void;

export interface Closing extends CloseReason {
  /** Discards all further bytes of the client, even the rest of a frame. In the middle of a frame the API gets no close frame. */
  readonly discardsClient?: boolean;
}

interface UpgradeExchange extends Exchange {
  readonly client: Socket;
  readonly answered: UpgradeWatch['answered'];
  readonly opened: OnOpen;
}

/**
 * @param tokenCookies names of cookies that hold tokens; no upstream may set them
 * @param clientTimeout milliseconds after which a client that does not read is disconnected
 */
export function createForwardUpgrade(tokenCookies: readonly string[], clientTimeout: number): ForwardUpgrade {
  const proxy = createHardenedProxy();

  // http-proxy emits this before it adds its own listeners.
  proxy.on('proxyReqWs', (upstreamRequest, request, socket, options) => {
    const { exchange } = options as { exchange: UpgradeExchange };
    socket.once('close', () => upstreamRequest.destroy());
    const stopWatchingIdle = watchIdle(upstreamRequest, request, exchange.forwarding.timeout);
    process.nextTick(() => {
      // http-proxy has added its listeners. Its own for `response` would send an unchunked body with a chunked head.
      upstreamRequest.removeAllListeners('response').once('response', (upstreamResponse) => {
        stopWatchingIdle();
        declined(exchange, upstreamResponse, tokenCookies);
      });
      const pass = upstreamRequest.listeners('upgrade');
      upstreamRequest.removeAllListeners('upgrade').once('upgrade', (upstreamResponse, upstreamSocket, head) => {
        stopWatchingIdle();
        if (!agreed(exchange, upstreamResponse, upstreamSocket, tokenCookies)) return;
        for (const listener of pass) Reflect.apply(listener, upstreamRequest, [upstreamResponse, upstreamSocket, head]);
        disconnectSlowReader(exchange.client, clientTimeout);
        // The client has its 101 and both sockets are connected. No frame has passed yet.
        exchange.opened(createCloseBetweenFrames(exchange.client, upstreamSocket));
      });
    });
  });

  return (request, socket, head, target, forwarding, { refuse, answered, opened }, trace) => {
    const { upstream } = target;
    const exchange: UpgradeExchange = {
      request,
      client: socket,
      forwarding,
      refuse,
      trace,
      call: undefined,
      sentAt: 0,
      upstream,
      answered,
      opened,
    };
    const writtenBefore = socket.bytesWritten;
    if (trace) socket.once('close', () => exchange.call?.failed('closed'));
    beginAttempt(exchange, upstream);
    proxy.ws(request, socket, head, Object.assign(proxyOptions(target), { exchange }), (error) => {
      // After the upgrade the socket carries the upstream's bytes, so it must not get an HTTP response.
      if (socket.bytesWritten > writtenBefore) socket.destroySoon();
      else failExchange(exchange, upstreamFailure(error));
    });
  };
}

/** The upstream declined the upgrade: the client gets its response. */
function declined(exchange: UpgradeExchange, upstreamResponse: IncomingMessage, tokenCookies: readonly string[]): void {
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    failExchange(exchange, new UpstreamFailedError('malformed_response'));
    return;
  }
  acceptResponse(exchange, upstreamResponse, tokenCookies);
  exchange.answered(upstreamResponse.statusCode ?? 0);
  relayResponse(upstreamResponse, exchange.request, exchange.client);
}

/** The upstream switches protocols. @returns whether it switches to WebSocket */
function agreed(
  exchange: UpgradeExchange,
  upstreamResponse: IncomingMessage,
  upstreamSocket: Socket,
  tokenCookies: readonly string[],
): boolean {
  if (upstreamResponse.headers.upgrade?.toLowerCase() !== 'websocket') {
    upstreamSocket.destroy();
    failExchange(exchange, new UpstreamFailedError('unexpected_upgrade'));
    return false;
  }
  const { client: socket } = exchange;
  acceptResponse(exchange, upstreamResponse, tokenCookies);
  exchange.answered(101);
  // http-proxy relays the data. When one side closes, the other must close too.
  upstreamSocket.once('close', () => socket.destroySoon());
  socket.once('end', () => upstreamSocket.destroySoon());
  socket.once('close', () => upstreamSocket.destroy());
  return true;
}

function disconnectSlowReader(socket: Socket, timeout: number): void {
  socket.setTimeout(timeout).on('timeout', () => {
    if (socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(timeout);
  });
}

/** Tracks the frames of a WebSocket, so that it can be closed between two frames. */
function createCloseBetweenFrames(client: Socket, upstream: Socket): CloseWebSocket {
  const fromApi = { from: upstream, to: client, frames: createFrameFollower() };
  const fromClient = { from: client, to: upstream, frames: createFrameFollower() };
  const sides = [fromApi, fromClient];
  for (const { from, frames } of sides) from.on('data', frames.follow);
  let isClosing = false;

  /** Further bytes are read and discarded until the sender closes too. */
  function discardRest({ from, to }: (typeof sides)[number]): void {
    from.unpipe(to);
    from.resume();
  }

  return (closing) => {
    if (isClosing) return;
    isClosing = true;
    for (const side of sides) {
      const { from, to, frames } = side;
      const close = () => {
        if (!frames.isBetweenFrames) return;
        from.off('data', close);
        discardRest(side);
        // RFC 6455 section 7.1.1: a server closes the connection first. The upstream connection ends with the client's.
        if (to === client) to.end(closeFrame('client', closing));
        else to.write(closeFrame('server', closing));
      };
      if (side === fromClient && closing.discardsClient && !frames.isBetweenFrames) {
        discardRest(side);
        continue;
      }
      from.on('data', close);
      close();
    }
  };
}

function relayResponse(upstreamResponse: IncomingMessage, request: IncomingMessage, socket: Socket): void {
  const response = responseOnSocket(request, socket);
  cleanResponseHead(upstreamResponse, response);
  const { statusCode = 502, statusMessage = '', headers } = upstreamResponse;
  if (statusMessage === '') response.writeHead(statusCode, headers);
  else response.writeHead(statusCode, statusMessage, headers);
  upstreamResponse.pipe(response);
  upstreamResponse.once('close', () => {
    if (!upstreamResponse.complete) response.destroy();
  });
}
