import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { checkRequest } from '@tallystick/common';
import { type ResourceServerError, ValidationUnavailableError } from '@tallystick/resource-server';
import type { IntrospectionLoad } from './authorization_server/introspect.ts';
import { fetchKeys, type Keys } from './authorization_server/issuers.ts';
import { walk } from './authorize/authorize_request.ts';
import { challengeOptions } from './authorize/challenge_options.ts';
import { checkConfig } from './config/check_config.ts';
import type { GatewayConfig } from './config/config.ts';
import type { Decision } from './decision.ts';
import type { Refuse } from './forward/forward_request.ts';
import type { CloseWebSocket } from './forward/forward_upgrade.ts';
import { createForwarder, type Destination } from './forward/forwarder.ts';
import { defaultIdentityHeaders } from './forward/request_headers.ts';
import { GOING_AWAY } from './forward/websocket_frames.ts';
import type { DecisionEndpointConfig } from './forward_auth/config.ts';
import { createDecisionEndpoints } from './forward_auth/decision_endpoints.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';
import { answerRefusal, lingerAfterAnswer, responseOnSocket } from './http/answer.ts';
import { namesOfTokenCookies } from './http/cookies.ts';
import { corsHeaders, isPreflight } from './http/cors.ts';
import { errorOf, RequestError, toRefusal } from './http/errors.ts';
import { checkHandshake } from './http/request_checks.ts';
import { createRunning } from './lifecycle.ts';
import { type MetricSource, upstreamHealth } from './operations/metrics.ts';
import { createOperationsPages } from './operations/operations_pages.ts';
import { createReadiness } from './operations/readiness.ts';
import { logRequest } from './operations/request_log.ts';
import { createParts } from './parts.ts';
import { createOwnPages } from './publish/own_pages.ts';
import { createResourceMetadata } from './publish/resource_metadata.ts';
import { createPreflights } from './routes/preflight.ts';
import { createServeTokenHandlers } from './token_handler/serve_token_handlers.ts';
import { createRevocationFeed } from './tokens/revocation_feed.ts';
import { createTokenWatch, type TokenEnd } from './tokens/token_watch.ts';
import { traceOutcome } from './tracing/trace_outcome.ts';

/** An API gateway, to be put on any number of servers. */
export interface Gateway extends MetricSource {
  /** Answers a request. */
  handler(this: void, request: IncomingMessage, response: ServerResponse): void;
  /** Answers a request to upgrade the connection. */
  upgrade(this: void, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Counts and logs a request that the server has refused, because it is not well-formed HTTP. */
  unreadable(this: void, error: RequestError): void;
  /**
   * Says in `/readyz` that it is about to stop, and goes on serving; each answer closes its connection. To be called some time
   * before `close`, so that a load balancer can send its requests elsewhere.
   */
  drain(): void;
  /**
   * Closes WebSockets, waits for running requests, then closes the connections to APIs, which breaks off what takes too long, and
   * stops listening to revocations. New connections are the server's to refuse, and those of clients its to close.
   */
  close(): Promise<void>;
  /**
   * Lets what is under way take the time it needs, WebSockets too, and then closes. For a gateway that gets no new requests,
   * because another one has taken its place on the same server; it can still be told to close.
   */
  retire(): Promise<void>;
  /** The authorization servers' keys, as this gateway has them. */
  readonly keys: Keys;
  /** Answers a request for what an operator asks: `/healthz`, `/readyz`, `/metrics`. */
  operations(this: void, request: IncomingMessage, response: ServerResponse): void;
}

/** Not of RFC 6455: private use (section 7.4.2), after the status that a request with such a token gets. */
const TOKEN_ENDED = 4401;

/** Milliseconds that the two sides of a WebSocket have to close it. */
const CLOSING = 10_000;

/** A request for a WebSocket. */
interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly decision: Decision;
  /** What the watch had heard before the token was looked at. */
  readonly heardBefore: number;
}

/**
 * Makes a gateway. It starts to listen to revocations and fetches the authorization server's keys; it serves when it is asked.
 *
 * @throws {TypeError} for a configuration that cannot be served
 * @example
 * ```ts
 * const gateway = createGateway(config, { store, log });
 * createGatewayServer(gateway).listen(4100);
 * ```
 */
export function createGateway(config: GatewayConfig, dependencies: GatewayDependencies): Gateway {
  checkConfig(config);
  const {
    store,
    log,
    fetch = globalThis.fetch,
    now = () => Date.now(),
    secureContext,
    metrics,
    tracing,
    keysChanged = () => keys.get(config.issuer)?.changed(),
  } = dependencies;
  const { timeouts, publicUrl, identityHeaders = defaultIdentityHeaders } = config;
  const parts = createParts(config, { ...dependencies, fetch, now });
  const {
    allowsHost,
    routes,
    keys,
    issuers,
    cache,
    ownJwts,
    sealed,
    sharedValues,
    steps,
    isTrustedProxy,
    publicOrigin,
    dpop,
  } = parts;
  const { clientCertificates } = config;
  const tokenCookies = namesOfTokenCookies(config);
  const decisions = createDecisionEndpoints(config.decisionEndpoints ?? [], {
    isTrustedProxy,
    tokenCookies,
    identityHeaders,
    certificateHeader: clientCertificates?.header,
  });
  const serveTokenHandlers = createServeTokenHandlers(config.tokenHandlers ?? [], timeouts.authorizationServer, {
    ...{ fetch, sealed, sharedValues, publicOrigin, log, now },
  });
  /** Requests and WebSockets, from beginning to end, and of those the ones whose access token is being looked at. */
  const running = createRunning();
  const walking = createRunning();
  /** Those that were, or are to be, upgraded, and how each is ended. They have no end of their own. */
  const sockets = new Map<Socket, () => void>();
  const forwarder = createForwarder({
    via: steps.via,
    identityHeaders,
    tokenCookies,
    publicUrl,
    publicOrigin,
    isTrustedProxy,
    certificateHeader: config.clientCertificates?.header,
    mayKeepAlive: () => !running.draining,
    answered: metrics && (({ routeName }, milliseconds) => metrics.upstreamAnswered(routeName, milliseconds / 1000)),
    secureContext,
    clientTimeout: timeouts.client,
    maxConnectionAge: timeouts.upstreamConnection,
  });
  const serveOwnPage = createOwnPages({
    documents: new Map([
      ...createResourceMetadata(routes, {
        dpopSigningAlgorithms: dpop.algorithms,
        ...(clientCertificates && { certificateBoundTokens: true }),
      }),
      ...(ownJwts ? [['/.well-known/jwks.json', JSON.stringify(ownJwts.jwks)] as const] : []),
    ]),
  });
  const serveOperationsPage = createOperationsPages({
    findReadiness: createReadiness({ store, issuers, isDraining: () => running.draining }),
    metrics,
  });

  const servePreflight = createPreflights(steps.findRoute);

  let isClosed = false;

  const feed = createRevocationFeed({ cache, keysChanged, log, metrics });
  const unsubscribe = store.subscribe(feed.listener);
  const { closeWithToken = true, tokenCloseCode = TOKEN_ENDED } = config.webSockets ?? {};
  const tokenWatch = createTokenWatch({ cache, fill: steps.fill, issuers, subscribe: store.subscribe, now });
  if (dependencies.keys === undefined) fetchKeys(keys, log);

  /** The walk to the end; whatever goes wrong on it is answered by `refuse`. */
  async function serve(
    request: IncomingMessage,
    decision: Decision,
    forward: (destination: Destination) => void,
    refuse: Refuse,
  ): Promise<void> {
    walking.begin();
    try {
      const destination = await walk(request, steps, decision);
      if (isClosed) throw new ValidationUnavailableError('the gateway is shutting down');
      if (!request.socket.destroyed) forward(destination);
    } catch (thrown) {
      refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
    } finally {
      walking.end();
    }
  }

  function refusing(request: IncomingMessage, decision: Decision, respond: () => ServerResponse): Refuse {
    return (error: ResourceServerError) => {
      decision.error = error;
      const response = respond();
      if (running.draining) response.shouldKeepAlive = false;
      const { route, original = request } = decision;
      const challenge = challengeOptions(original, route, publicOrigin(original), dpop.algorithms);
      answerRefusal(response, error, challenge, corsHeaders(route?.forwarding.cors, original.headers.origin));
    };
  }

  /** @returns whether the request was for a page of the gateway's own */
  function serveOwn(request: IncomingMessage, response: ServerResponse): boolean {
    return (
      (config.operationsApart !== true && serveOperationsPage(request, response)) || serveOwnPage(request, response)
    );
  }

  function handler(request: IncomingMessage, response: ServerResponse): void {
    lingerAfterAnswer(request, response);
    if (running.draining) response.shouldKeepAlive = false;
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && serveOwn(request, response)) return;

    const decision: Decision = { cache: 'none' };
    if (tracing) decision.trace = tracing.begin(request);
    const began = now();
    running.begin();
    response.once('close', () => {
      running.end();
      if (response.errored instanceof RequestError) decision.error ??= response.errored;
      const status = response.headersSent ? response.statusCode : 499;
      metrics?.decided(decision);
      if (tracing) traceOutcome(decision, { method: (decision.original ?? request).method, status });
      logRequest(log, decision, { request: decision.original ?? request, status, milliseconds: now() - began });
    });
    const refuse = refusing(request, decision, () => response);
    if (fault !== undefined) {
      refuse(errorOf(fault));
      return;
    }
    if (serveTokenHandlers(request, response, decision)) return;
    const endpoint = decisions.find(request.url ?? '');
    if (endpoint) {
      decide(request, response, endpoint, decision, refuse);
      return;
    }
    if (isPreflight(request) && servePreflight(request, response, decision)) return;
    const forward = (destination: Destination) => {
      if (destination.dpopNonce !== undefined) response.setHeader('DPoP-Nonce', destination.dpopNonce);
      forwarder.request(request, response, destination, refuse, decision.trace);
    };
    void serve(request, decision, forward, refuse);
  }

  /** The walk without its last step, for another gateway. */
  function decide(
    request: IncomingMessage,
    response: ServerResponse,
    endpoint: DecisionEndpointConfig,
    decision: Decision,
    refuse: Refuse,
  ): void {
    try {
      const original = decisions.read(request, endpoint);
      decision.original = original;
      if (decisions.answersPreflight(original, endpoint) && servePreflight(original, response, decision)) return;
      const question = { original, endpoint };
      void serve(original, decision, (to) => decisions.answer(response, question, to), refuse);
    } catch (thrown) {
      refuse(toRefusal(thrown, log, decision.trace?.spanContext.traceId));
    }
  }

  /**
   * Answers a request to upgrade the connection that needs no other protocol: one for a page of the gateway's own, where the wish
   * is ignored (RFC 9110 section 7.8), or for a decision. The asking gateway passes the headers of the client on, and it is the one
   * that upgrades.
   *
   * @returns whether it was one
   */
  function answersItself(request: IncomingMessage, socket: Socket): boolean {
    const response = responseOnSocket(request, socket);
    const isDecision = decisions.find(request.url ?? '') !== undefined;
    if (isDecision) handler(request, response);
    if (isDecision || serveOwn(request, response)) {
      sockets.set(socket, () => {}); // It ends with the answer.
      return true;
    }
    response.detachSocket(socket);
    return false;
  }

  function upgrade(request: IncomingMessage, duplex: Duplex, head: Buffer): void {
    const socket = duplex as Socket;
    // Before anything else: a socket without it would end the process with its first error. Its `close` tells the rest.
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    const fault = checkRequest(request, allowsHost);
    if (fault === undefined && answersItself(request, socket)) return;
    sockets.set(socket, () => socket.destroySoon());
    running.begin();

    const heardBefore = tokenWatch.heard;
    const decision: Decision = { cache: 'none' };
    if (tracing) decision.trace = tracing.begin(request);
    const began = now();
    let status = 499;
    /** The span ends with the handshake: nobody would see it before a WebSocket ends that may live for days. */
    const answered = (by: number) => {
      status = by;
      traceOutcome(decision, { method: request.method, status });
    };
    socket.once('close', () => {
      running.end();
      metrics?.decided(decision);
      if (tracing) traceOutcome(decision, { method: request.method, status });
      logRequest(log, decision, { request, status, milliseconds: now() - began });
    });
    const refuse: Refuse = (error) => {
      status = error.status;
      refusing(request, decision, () => responseOnSocket(request, socket))(error);
    };
    if (fault !== undefined) {
      refuse(errorOf(fault));
      return;
    }
    const forward = (destination: Destination) => {
      checkHandshake(request);
      const watchOpened = watchToken({ request, socket, decision, heardBefore }, destination);
      const opened = (close: CloseWebSocket) => {
        const goAway = () => close({ code: GOING_AWAY });
        if (running.draining) goAway();
        else sockets.set(socket, goAway);
        watchOpened(close);
      };
      forwarder.upgrade(request, socket, head, destination, { refuse, answered, opened }, decision.trace);
    };
    void serve(request, decision, forward, refuse);
  }

  /** Closes the WebSocket that is to be opened when its token ends. @returns is to be told when it is open, and how to close it */
  function watchToken(upgrade: Upgrade, destination: Destination): (close: CloseWebSocket) => void {
    const { request, socket, decision, heardBefore } = upgrade;
    const { credentials, claims } = destination;
    const { route } = decision;
    if (!closeWithToken || credentials === undefined || route === undefined || route.isPublic) return () => {};
    let close: CloseWebSocket | undefined;
    let ended: TokenEnd | undefined;
    const end = (why: TokenEnd) => {
      ended = why;
      if (close === undefined) return;
      log.info({ token: decision.tokenKey, why }, 'a WebSocket is closed: its access token has ended');
      close({ code: tokenCloseCode, text: `access token ${why}`, cutsClientOff: true });
      setTimeout(() => socket.destroy(), CLOSING).unref();
    };
    const holder = { route, credentials, claims, sender: steps.senderOf(request), close: end };
    const watching = tokenWatch.watch(holder, heardBefore);
    socket.once('close', watching.stop);
    return (howToClose) => {
      close = howToClose;
      if (ended === undefined) watching.opened();
      else end(ended);
    };
  }

  function unreadable(error: RequestError): void {
    const decision: Decision = { cache: 'none', error };
    metrics?.decided(decision);
    logRequest(log, decision, { request: { rawHeaders: [] }, status: error.status, milliseconds: 0 });
  }

  async function close(): Promise<void> {
    for (const goAway of sockets.values()) goAway();
    await running.drain(timeouts.drain ?? 10_000);
    for (const socket of sockets.keys()) socket.destroy();
    end();
  }

  async function retire(): Promise<void> {
    await walking.idle();
    // An event stream may go on for days; what is cached need not wait for its end.
    unsubscribe();
    cache.disconnected();
    await running.idle();
    end();
  }

  function end(): void {
    isClosed = true;
    forwarder.close();
    unsubscribe();
  }

  function introspectionLoads(): ReadonlyMap<string, IntrospectionLoad> {
    return new Map(
      [...issuers].flatMap(([name, { introspection }]) =>
        introspection ? [[name, introspection.load()] as const] : [],
      ),
    );
  }

  function operations(request: IncomingMessage, response: ServerResponse): void {
    // At another address than the gateway: for which hosts it answers, its server knows.
    const fault = checkRequest(request);
    if (fault !== undefined) {
      answerRefusal(response, errorOf(fault));
      return;
    }
    if (serveOperationsPage(request, response)) return;
    answerRefusal(response, new RequestError('not_found', 'there is /healthz, /readyz and /metrics'));
  }

  const { size: cacheSize } = cache;
  const { state: feedState } = feed;
  const sources = { upstreamHealth: () => upstreamHealth(routes), introspectionLoads, cacheSize, feedState };
  metrics?.watch(sources);
  return { handler, upgrade, operations, unreadable, drain: running.startDraining, close, retire, keys, ...sources };
}
