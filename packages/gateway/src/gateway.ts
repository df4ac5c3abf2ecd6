import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { IntrospectionLoad } from './authorization_server/introspect.ts';
import { fetchKeys, type Issuers, type Keys } from './authorization_server/issuers.ts';
import { type Authorization, type CompleteDependencies, composeAuthorization } from './compose.ts';
import { checkConfig } from './config/check_config.ts';
import type { GatewayConfig } from './config/config.ts';
import { createForwarder, type Forwarder } from './forward/forwarder.ts';
import { defaultIdentityHeaders } from './forward/request_headers.ts';
import { createDecisionEndpoints } from './forward_auth/decision_endpoints.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';
import { tokenCookieNames } from './http/cookies.ts';
import type { RequestError } from './http/errors.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { type MetricSource, upstreamHealth } from './operations/metrics.ts';
import { createOperationsListener, createServeOperations } from './operations/operations_endpoints.ts';
import { createReadiness } from './operations/readiness.ts';
import { createServePublished } from './publish/published_documents.ts';
import { createResourceMetadata } from './publish/resource_metadata.ts';
import { createRefuseRequest } from './refuse_request.ts';
import { createRequestLives } from './request_life.ts';
import { createPreflights } from './routes/preflight.ts';
import {
  apiEndpoint,
  createServeRequest,
  decisionEndpoint,
  preflightEndpoint,
  type ServePage,
  tokenHandlersEndpoint,
} from './serve_request.ts';
import { createServeUpgrade } from './serve_upgrade.ts';
import { createServeTokenHandlers } from './token_handler/serve_token_handlers.ts';
import { createRevocationFeed } from './tokens/revocation_feed.ts';
import { createTokenWatch } from './tokens/token_watch.ts';

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
   *
   * @param lastRequest settles when the server has no connection left, and so no further request. Default: it has none from now on
   */
  close(lastRequest?: Promise<unknown>): Promise<void>;
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
export function createGateway(config: GatewayConfig, given: GatewayDependencies): Gateway {
  checkConfig(config);
  const dependencies = { ...given, fetch: given.fetch ?? globalThis.fetch, now: given.now ?? (() => Date.now()) };
  const { store, log, metrics, keysChanged = () => keys.get(config.issuer)?.changed() } = dependencies;
  const authorization = composeAuthorization(config, dependencies);
  const { keys, issuers, routes } = authorization;
  const { cache } = authorization.tokens;
  const lifecycle = createLifecycle({
    drainTimeout: config.timeouts.drain ?? 10_000,
    leaveCache() {
      unsubscribe();
      cache.disconnected();
    },
    release() {
      forwarder.close();
      unsubscribe();
    },
  });
  const forwarder = composeForwarder(config, authorization, lifecycle, dependencies);
  const serveOperations = createServeOperations({
    findReadiness: createReadiness({ store, issuers, isDraining: () => lifecycle.isDraining }),
    metrics,
  });
  const servePublished = composePublished(config, authorization);
  const servePage: ServePage = config.operationsApart
    ? servePublished
    : (request, response) => serveOperations(request, response) || servePublished(request, response);
  const edge = composeEdge(config, authorization, { lifecycle, forwarder, servePage, ...dependencies });

  const feed = createRevocationFeed({ cache, keysChanged, log, metrics });
  const unsubscribe = store.subscribe(feed.listener);
  if (dependencies.keys === undefined) fetchKeys(keys, log);
  const sources: MetricSource = {
    upstreamHealth: () => upstreamHealth(routes),
    introspectionLoads: () => introspectionLoads(issuers),
    cacheSize: cache.size,
    feedState: feed.state,
  };
  metrics?.watch(sources);
  const { drain, close, retire } = lifecycle;
  return { ...edge, operations: createOperationsListener(serveOperations), drain, close, retire, keys, ...sources };
}

function composeForwarder(
  config: GatewayConfig,
  { steps, client: { publicOrigin, isTrustedProxy } }: Authorization,
  lifecycle: Lifecycle,
  { metrics, secureContext }: CompleteDependencies,
): Forwarder {
  const { timeouts, publicUrl, identityHeaders = defaultIdentityHeaders, clientCertificates } = config;
  return createForwarder({
    via: steps.via,
    identityHeaders,
    tokenCookies: tokenCookieNames(config),
    publicUrl,
    publicOrigin,
    isTrustedProxy,
    certificateHeader: clientCertificates?.header,
    mayKeepAlive: () => !lifecycle.isDraining,
    answered: metrics && (({ routeName }, milliseconds) => metrics.upstreamAnswered(routeName, milliseconds / 1000)),
    secureContext,
    clientTimeout: timeouts.client,
    maxConnectionAge: timeouts.upstreamConnection,
  });
}

/** The metadata of APIs, and the keys of JWTs that the gateway makes. */
function composePublished({ clientCertificates }: GatewayConfig, { routes, dpop, tokens }: Authorization): ServePage {
  const metadata = createResourceMetadata(routes, {
    dpopSigningAlgorithms: dpop.algorithms,
    ...(clientCertificates && { certificateBoundTokens: true }),
  });
  const { ownJwts } = tokens;
  const keys = ownJwts ? [['/.well-known/jwks.json', JSON.stringify(ownJwts.jwks)] as const] : [];
  return createServePublished(new Map([...metadata, ...keys]));
}

interface EdgeDependencies extends CompleteDependencies {
  readonly lifecycle: Lifecycle;
  readonly forwarder: Forwarder;
  readonly servePage: ServePage;
}

/** What requests and upgrades come to first. */
function composeEdge(config: GatewayConfig, authorization: Authorization, dependencies: EdgeDependencies) {
  const { steps, client, issuers, dpop, sealed, sharedValues } = authorization;
  const { lifecycle, forwarder, servePage, store, fetch, log, metrics, tracing, now } = dependencies;
  const { isTrustedProxy, publicOrigin, allowsHost } = client;
  const lives = createRequestLives({ steps, lifecycle, log, metrics, tracing, now });
  const refuseRequest = createRefuseRequest({ publicOrigin, algorithms: dpop.algorithms, lifecycle });
  const servePreflight = createPreflights(steps.findRoute);
  const decisions = createDecisionEndpoints(config.decisionEndpoints ?? [], {
    isTrustedProxy,
    tokenCookies: tokenCookieNames(config),
    identityHeaders: config.identityHeaders ?? defaultIdentityHeaders,
    certificateHeader: config.clientCertificates?.header,
  });
  const handlerDependencies = { fetch, sealed, sharedValues, publicOrigin, log, now };
  const { tokenHandlers = [], timeouts } = config;
  const endpoints = [
    tokenHandlersEndpoint(createServeTokenHandlers(tokenHandlers, timeouts.authorizationServer, handlerDependencies)),
    decisionEndpoint({ decisions, servePreflight, lives, log }),
    preflightEndpoint(servePreflight),
    apiEndpoint(lives, forwarder),
  ];
  const handler = createServeRequest({ allowsHost, servePage, endpoints, lives, refuseRequest, lifecycle });
  const upgrade = createServeUpgrade(config.webSockets, {
    ...{ allowsHost, servePage, lives, refuseRequest, forwarder, lifecycle, log },
    isDecision: (target) => decisions.find(target) !== undefined,
    serveRequest: handler,
    tokenWatch: createTokenWatch({ ...authorization.tokens, issuers, subscribe: store.subscribe, now }),
    senderOf: steps.senderOf,
  });
  return { handler, upgrade, unreadable: lives.unreadable };
}

function introspectionLoads(issuers: Issuers): ReadonlyMap<string, IntrospectionLoad> {
  return new Map(
    [...issuers].flatMap(([name, { introspection }]) => (introspection ? [[name, introspection.load()] as const] : [])),
  );
}
