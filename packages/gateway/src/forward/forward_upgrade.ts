import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { responseOnSocket } from '../http/answer.ts';
import { UpstreamFailedError } from '../http/errors.ts';
import type { Forwarding } from '../routes/forwarding.ts';
import type { RequestTrace } from '../tracing/request_trace.ts';
import { answeredBy, type Exchange, failExchange, type Refuse, sendingTo } from './exchange.ts';
import { createHardenedProxy, type ProxyTarget, proxyOptions } from './hardened_proxy.ts';
import { watchSilence } from './request_limits.ts';
import { cleanResponseHead, isForwardable } from './response_head.ts';
import { upstreamFailure } from './upstream_failure.ts';
import { type CloseReason, closeFrame, createFrameFollower } from './websocket_frames.ts';

/**
 * Sends a request for a WebSocket upstream and, once the upstream agrees, everything both ways. The request's headers are
 * already those for the upstream. The caller has put an error handler on the socket, as soon as it got it.
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

/** Whoever has to know what becomes of a request to upgrade. */
export interface UpgradeWatch {
  /** Answers on the socket in place of an upstream that fails. */
  readonly refuse: Refuse;
  /** The upstream began to answer. @param status 101 when it agrees */
  readonly answered: (status: number) => void;
  /** Is told when there is a WebSocket, and how to close it in good order. */
  readonly opened: OnOpen;
}

/** Both sides agreed. */
export type OnOpen = (close: CloseWebSocket) => void;

/** Closes a WebSocket for both sides, each as soon as no frame to it is under way. Only the first call counts. */
export type CloseWebSocket = (closing: Closing) => void;

export interface Closing extends CloseReason {
  /** Whether nothing more of the client reaches the API, not even the rest of a frame. The API gets no close frame then. */
  readonly cutsClientOff?: boolean;
}

interface UpgradeExchange extends Exchange {
  readonly client: Socket;
  readonly answered: UpgradeWatch['answered'];
  readonly opened: OnOpen;
}

/**
 * @param tokenCookies names of cookies that hold tokens, which no upstream may set
 * @param clientTimeout milliseconds after which a client that reads nothing of what it is sent is cut off
 */
export function createForwardUpgrade(tokenCookies: readonly string[], clientTimeout: number): ForwardUpgrade {
  const proxy = createHardenedProxy();

  // Emitted before http-proxy adds its own listeners.
  proxy.on('proxyReqWs', (upstreamRequest, request, socket, options) => {
    const { exchange } = options as { exchange: UpgradeExchange };
    socket.once('close', () => upstreamRequest.destroy());
    const stopWatchingSilence = watchSilence(upstreamRequest, request, exchange.forwarding.timeout);
    process.nextTick(() => {
      // http-proxy has added its listeners. It would send the body unchunked under a head that says chunked.
      upstreamRequest.removeAllListeners('response').once('response', (upstreamResponse) => {
        stopWatchingSilence();
        declined(exchange, upstreamResponse, tokenCookies);
      });
      const pass = upstreamRequest.listeners('upgrade');
      upstreamRequest.removeAllListeners('upgrade').once('upgrade', (upstreamResponse, upstreamSocket, head) => {
        stopWatchingSilence();
        if (!agreed(exchange, upstreamResponse, upstreamSocket, tokenCookies)) return;
        for (const listener of pass) Reflect.apply(listener, upstreamRequest, [upstreamResponse, upstreamSocket, head]);
        cutWhenUnread(exchange.client, clientTimeout);
        // The client has been told, and the two are connected; nothing has flowed yet.
        exchange.opened(closingBetweenFrames(exchange.client, upstreamSocket));
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
    sendingTo(exchange, upstream);
    proxy.ws(request, socket, head, Object.assign(proxyOptions(target), { exchange }), (error) => {
      // Once upgraded, the socket carries the upstream's bytes, and an HTTP answer would be one too many.
      if (socket.bytesWritten > writtenBefore) socket.destroySoon();
      else failExchange(exchange, upstreamFailure(error));
    });
  };
}

/** The upstream answers with something else than a WebSocket. */
function declined(exchange: UpgradeExchange, upstreamResponse: IncomingMessage, tokenCookies: readonly string[]): void {
  if (!isForwardable(upstreamResponse)) {
    upstreamResponse.destroy();
    failExchange(exchange, new UpstreamFailedError('malformed_response'));
    return;
  }
  answeredBy(exchange, upstreamResponse, tokenCookies);
  exchange.answered(upstreamResponse.statusCode ?? 0);
  relayResponse(upstreamResponse, exchange.request, exchange.client);
}

/** The upstream changes the protocol. @returns whether it is to WebSocket */
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
  answeredBy(exchange, upstreamResponse, tokenCookies);
  exchange.answered(101);
  // http-proxy passes the data on. Neither side outlives the other: half a WebSocket is of no use.
  upstreamSocket.once('close', () => socket.destroySoon());
  socket.once('end', () => upstreamSocket.destroySoon());
  socket.once('close', () => upstreamSocket.destroy());
  return true;
}

function cutWhenUnread(socket: Socket, timeout: number): void {
  socket.setTimeout(timeout).on('timeout', () => {
    if (socket.writableLength > 0) socket.destroy();
    else socket.setTimeout(timeout);
  });
}

/** Follows the frames of a WebSocket from now on, to be able to end it between two of them. */
function closingBetweenFrames(client: Socket, upstream: Socket): CloseWebSocket {
  const fromApi = { from: upstream, to: client, frames: createFrameFollower() };
  const fromClient = { from: client, to: upstream, frames: createFrameFollower() };
  const sides = [fromApi, fromClient];
  for (const { from, frames } of sides) from.on('data', frames.follow);
  let isClosing = false;

  /** Until the other side has closed too, whatever it still sends is of no use to anyone. */
  function stopPassingOn({ from, to }: (typeof sides)[number]): void {
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
        stopPassingOn(side);
        // RFC 6455 section 7.1.1: the server is the first to close the connection. What the client does ends the other one.
        if (to === client) to.end(closeFrame('client', closing));
        else to.write(closeFrame('server', closing));
      };
      if (side === fromClient && closing.cutsClientOff && !frames.isBetweenFrames) {
        stopPassingOn(side);
        continue;
      }
      from.on('data', close);
      close();
    }
  };
}

/** The upstream answers with something else than a WebSocket: the client gets to see what. */
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
