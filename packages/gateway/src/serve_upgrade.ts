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
import type { RequestLife, RequestLives } from './request_life.ts';
import type { ServePage } from './serve_request.ts';
import type { TokenEnd, TokenWatch } from './tokens/token_watch.ts';

/** Not of RFC 6455: private use (section 7.4.2), after the status that a request with such a token gets. */
const TOKEN_ENDED = 4401;

/** Milliseconds that the two sides of a WebSocket have to close it. */
const CLOSING = 10_000;

/** Answers a request to upgrade the connection. */
export type ServeUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface ServeUpgradeDependencies {
  readonly allowsHost: AllowsHost | undefined;
  readonly servePage: ServePage;
  /** Whether a request target is that of an endpoint that needs no upgrade to answer. */
  readonly isDecision: (target: string) => boolean;
  readonly serveRequest: RequestListener;
  readonly lives: RequestLives;
  readonly refuseRequest: RefuseRequest;
  readonly forwarder: Forwarder;
  readonly tokenWatch: TokenWatch;
  readonly senderOf: SenderOf;
  readonly lifecycle: Lifecycle;
  readonly log: Log;
}

/** A request for a WebSocket. */
interface Upgrade {
  readonly life: RequestLife;
  readonly socket: Socket;
  /** `feedEvents` of the token watch from before the token was validated. */
  readonly feedEventsBefore: number;
}

export function createServeUpgrade(
  webSockets: GatewayConfig['webSockets'],
  dependencies: ServeUpgradeDependencies,
): ServeUpgrade {
  const { allowsHost, lives, refuseRequest, forwarder, tokenWatch, lifecycle } = dependencies;
  const { sockets } = lifecycle;
  const answerItself = createAnswerItself(dependencies);
  const watchToken = createWatchToken(webSockets, dependencies);

  return (request, duplex, head) => {
    const socket = duplex as Socket;
    // Before anything else: a socket without it would end the process with its first error. Its `close` tells the rest.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && answerItself(request, socket)) return;
    sockets.set(socket, () => socket.destroySoon());

    const { feedEvents: feedEventsBefore } = tokenWatch;
    const life = lives.begin(request);
    socket.once('close', () => lives.end(life));
    const refuse: Refuse = (error) => {
      life.status = error.status;
      refuseRequest(life, responseOnSocket(request, socket), error);
    };
    if (fault !== undefined) {
      refuse(toRequestError(fault));
      return;
    }
    const answered = (status: number) => lives.upgraded(life, status);
    const forward = (destination: Destination) => {
      checkHandshake(request);
      const watchOpened = watchToken({ life, socket, feedEventsBefore }, destination);
      const opened = (close: CloseWebSocket) => {
        const goAway = () => close({ code: GOING_AWAY });
        if (lifecycle.isDraining) goAway();
        else sockets.set(socket, goAway);
        watchOpened(close);
      };
      forwarder.upgrade(request, socket, head, destination, { refuse, answered, opened }, life.decision.trace);
    };
    void lives.authorize(life, request, forward, refuse);
  };
}

/**
 * Answers a request to upgrade the connection that needs no other protocol: one for a page of the gateway's own, where the wish
 * is ignored (RFC 9110 section 7.8), or for a decision. The asking gateway passes the headers of the client on, and it is the one
 * that upgrades.
 *
 * @returns whether it was one
 */
function createAnswerItself({ isDecision, serveRequest, servePage, lifecycle }: ServeUpgradeDependencies) {
  return (request: IncomingMessage, socket: Socket): boolean => {
    const response = responseOnSocket(request, socket);
    const asksForDecision = isDecision(request.url ?? '');
    if (asksForDecision) serveRequest(request, response);
    if (asksForDecision || servePage(request, response)) {
      lifecycle.sockets.set(socket, () => {}); // It ends with the answer.
      return true;
    }
    response.detachSocket(socket);
    return false;
  };
}

/** Closes the WebSocket that is to be opened when its token ends. @returns is to be told when it is open, and how to close it */
type WatchToken = (upgrade: Upgrade, destination: Destination) => (close: CloseWebSocket) => void;

function createWatchToken(
  { closeWithToken = true, tokenCloseCode = TOKEN_ENDED }: NonNullable<GatewayConfig['webSockets']> = {},
  { tokenWatch, senderOf, log }: ServeUpgradeDependencies,
): WatchToken {
  return ({ life: { request, decision }, socket, feedEventsBefore }, { credentials, claims }) => {
    const { route } = decision;
    if (!closeWithToken || credentials === undefined || route === undefined || route.isPublic) return () => {};
    let close: CloseWebSocket | undefined;
    let ended: TokenEnd | undefined;
    const end = (why: TokenEnd) => {
      ended = why;
      if (close === undefined) return;
      log.info({ token: decision.tokenKey, why }, 'a WebSocket is closed: its access token has ended');
      close({ code: tokenCloseCode, text: `access token ${why}`, discardsClient: true });
      setTimeout(() => socket.destroy(), CLOSING).unref();
    };
    const holder = { route, credentials, claims, sender: senderOf(request), close: end };
    const watching = tokenWatch.watch(holder, feedEventsBefore);
    socket.once('close', watching.stop);
    return (howToClose) => {
      close = howToClose;
      if (ended === undefined) watching.opened();
      else end(ended);
    };
  };
}
