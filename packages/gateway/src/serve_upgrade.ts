import type { IncomingMessage, RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Log } from '@tallystick/common';
import { type AllowsHost, checkRequest } from '@tallystick/common';
import type { GatewayConfig } from './config/config.ts';
import type { Refuse } from './forward/exchange.ts';
import type { CloseWebSocket } from './forward/forward_upgrade.ts';
import type { Destination, Forwarder } from './forward/forwarder.ts';
import { GOING_AWAY } from './forward/websocket_frames.ts';
import { responseOnSocket } from './http/answer.ts';
import { toRequestError } from './http/errors.ts';
import { checkHandshake } from './http/request_checks.ts';
import type { SenderOf } from './http/trusted_proxies.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { RefuseRequest } from './refuse_request.ts';
import type { RequestContext, RequestProcessor } from './request_processor.ts';
import type { ServeOwnEndpoint } from './serve_request.ts';
import type { TokenEnd, TokenWatch } from './tokens/token_watch.ts';

/** Milliseconds for the two sides of a WebSocket to close it. */
const CLOSE_TIMEOUT = 10_000;

/** Serves a request to upgrade the connection. */
export type ServeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface ServeUpgradeDependencies {
  readonly allowsHost: AllowsHost | undefined;
  readonly serveOwnEndpoint: ServeOwnEndpoint;
  /** Whether a request target is the one of a decision endpoint, which answers without an upgrade. */
  readonly isDecision: (target: string) => boolean;
  readonly serveRequest: RequestListener;
  readonly processor: RequestProcessor;
  readonly refuseRequest: RefuseRequest;
  readonly forwarder: Forwarder;
  readonly tokenWatch: TokenWatch;
  readonly senderOf: SenderOf;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/** A request for a WebSocket. */
interface Upgrade {
  readonly context: RequestContext;
  readonly socket: Socket;
  /** `feedEvents` of the token watch from before the token was validated. */
  readonly feedEventsBefore: number;
}

export function createServeUpgrade(
  webSockets: GatewayConfig['webSockets'],
  dependencies: ServeUpgradeDependencies,
): ServeUpgrade {
  const { allowsHost, processor, refuseRequest, forwarder, tokenWatch, lifecycle } = dependencies;
  const { sockets } = lifecycle;
  const serveWithoutUpgrade = createServeWithoutUpgrade(dependencies);
  const watchToken = createWatchToken(webSockets, dependencies);

  return (request, duplex, head) => {
    const socket = duplex as Socket;
    // This comes first: an error on a socket without a listener would end the process. The `close` event is handled below.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && serveWithoutUpgrade(request, socket)) return;
    sockets.set(socket, () => socket.destroySoon());

    const { feedEvents: feedEventsBefore } = tokenWatch;
    const context = processor.begin(request);
    socket.once('close', () => processor.end(context));
    const refuse: Refuse = (error) => {
      context.status = error.status;
      refuseRequest(context, responseOnSocket(request, socket), error);
    };
    if (fault !== undefined) {
      refuse(toRequestError(fault));
      return;
    }
    const answered = (status: number) => processor.upgraded(context, status);
    const forward = (destination: Destination) => {
      checkHandshake(request);
      const watchOpened = watchToken({ context, socket, feedEventsBefore }, destination);
      const opened = (close: CloseWebSocket) => {
        const goAway = () => close({ code: GOING_AWAY });
        if (lifecycle.isDraining) goAway();
        else sockets.set(socket, goAway);
        watchOpened(close);
      };
      forwarder.upgrade(request, socket, head, destination, { refuse, answered, opened }, context.decision.trace);
    };
    void processor.authorize(context, request, forward, refuse);
  };
}

/**
 * Serves an upgrade request without upgrading: for an endpoint of the gateway itself, which ignores `Upgrade` (RFC 9110 section 7.8), or
 * for a decision. There the calling gateway passes on the headers of the client, and performs the upgrade itself.
 *
 * @returns whether it served the request
 */
function createServeWithoutUpgrade({
  isDecision,
  serveRequest,
  serveOwnEndpoint,
  lifecycle,
}: ServeUpgradeDependencies) {
  return (request: IncomingMessage, socket: Socket): boolean => {
    const response = responseOnSocket(request, socket);
    const needsDecision = isDecision(request.url ?? '');
    if (needsDecision) serveRequest(request, response);
    if (needsDecision || serveOwnEndpoint(request, response)) {
      lifecycle.sockets.set(socket, () => {}); // The socket ends with the response.
      return true;
    }
    response.detachSocket(socket);
    return false;
  };
}

/** Closes a WebSocket when its token ends. @returns a function to call when the WebSocket is open */
type WatchToken = (upgrade: Upgrade, destination: Destination) => (close: CloseWebSocket) => void;

function createWatchToken(
  { closeWithToken, tokenCloseCode }: GatewayConfig['webSockets'],
  { tokenWatch, senderOf, log }: ServeUpgradeDependencies,
): WatchToken {
  return ({ context: { request, decision }, socket, feedEventsBefore }, { credentials, claims }) => {
    const { route } = decision;
    if (!closeWithToken || credentials === undefined || route === undefined || route.isPublic) return () => {};
    let close: CloseWebSocket | undefined;
    let ended: TokenEnd | undefined;
    const end = (why: TokenEnd) => {
      ended = why;
      if (close === undefined) return;
      log.info({ token: decision.tokenKey, why }, 'closing a WebSocket: its access token has ended');
      close({ code: tokenCloseCode, text: `access token ${why}`, discardsClient: true });
      setTimeout(() => socket.destroy(), CLOSE_TIMEOUT).unref();
    };
    const holder = { route, credentials, claims, sender: senderOf(request), close: end };
    const watching = tokenWatch.watch(holder, feedEventsBefore);
    socket.once('close', watching.stop);
    return (closeWebSocket) => {
      close = closeWebSocket;
      if (ended === undefined) watching.opened();
      else end(ended);
    };
  };
}
