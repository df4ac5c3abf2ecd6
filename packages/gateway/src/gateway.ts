import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { IntrospectionLoad } from './authorization_server/introspect.ts';
import { fetchKeys, type Issuers, type Keys } from './authorization_server/issuers.ts';
import { type Authorization, type CompleteDependencies, composeAuthorization } from './compose.ts';
import type { GatewayConfig } from './config/config.ts';
import { createForwarder, type Forwarder } from './forward/forwarder.ts';
import { createDecisionEndpoints } from './forward_auth/decision_endpoints.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';
import { tokenCookieNames } from './http/cookies.ts';
import type { RequestError } from './http/errors.ts';
import { createLifecycle, type Lifecycle } from './lifecycle.ts';
import { type MetricSource, upstreamHealth } from './operations/metrics.ts';
import { createOperationsListener, createServeOperations } from './operations/operations_endpoints.ts';
import { createReadiness } from './operations/readiness.ts';
import { homePageEndpoint } from './publish/home_page.ts';
import { createServePublished } from './publish/published_documents.ts';
import { createResourceMetadata } from './publish/resource_metadata.ts';
import { createRefuseRequest } from './refuse_request.ts';
import { createRequestProcessor } from './request_processor.ts';
import { createPreflights } from './routes/preflight.ts';
import {
  apiEndpoint,
  createServeRequest,
  decisionEndpoint,
  preflightEndpoint,
  type ServeOwnEndpoint,
  tokenHandlersEndpoint,
} from './serve_request.ts';
import { createServeUpgrade } from './serve_upgrade.ts';
import { createServeTokenHandlers } from './token_handler/serve_token_handlers.ts';
import { createRevocationFeed } from './tokens/revocation_feed.ts';
import { createTokenWatch } from './tokens/token_watch.ts';

/** An API gateway, which any number of servers can use. */
export interface Gateway extends MetricSource {
  /** Serves a request. */
  handler(this: void, request: IncomingMessage, response: ServerResponse): void;
  /** Serves a request to upgrade the connection. */
  upgrade(this: void, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Counts and logs a request that the server refused because it is not well-formed HTTP. */
  unreadable(this: void, error: RequestError): void;
  /**
   * Reports `draining` in `/readyz` and closes each connection after its response, but still serves requests. Call it some time before
   * `close`, so that a load balancer can send requests elsewhere.
   */
  drain(): void;
  /**
   * Closes WebSockets, waits for requests in progress, then closes the connections to APIs, which breaks off requests that take too long,
   * and unsubscribes from the revocation feed. The server must refuse new connections and close those of clients.
   *
   * @param lastRequest settles when the server has no connection left, so that no further request can arrive. Default: none from now on
   */
  close(lastRequest?: Promise<unknown>): Promise<void>;
  /**
   * Waits without limit for requests and WebSockets in progress, and then closes. For a gateway without new requests, after another one
   * took over on the same server. `close` can still be called.
   */
  retire(): Promise<void>;
  /** The keys of the authorization servers. */
  readonly keys: Keys;
  /** Serves the endpoints for operators: `/healthz`, `/readyz`, `/metrics`. */
  operations(this: void, request: IncomingMessage, response: ServerResponse): void;
}

/**
 * Creates a gateway. It subscribes to the revocation feed and fetches the keys of the authorization servers.
 *
 * @throws {TypeError} for a configuration that cannot be served
 * @example
 * ```ts
 * const gateway = createGateway(config, { store, log });
 * createGatewayServer(gateway, config).listen(4100);
 * ```
 */
export function createGateway(config: GatewayConfig, given: GatewayDependencies): Gateway {
  const dependencies = { ...given, fetch: given.fetch ?? globalThis.fetch, now: given.now ?? (() => Date.now()) };
  const { store, log, metrics, keysChanged = () => keys.get(config.issuer)?.changed() } = dependencies;
  const authorization = composeAuthorization(config, dependencies);
  const { keys, issuers, routes } = authorization;
  const { cache } = authorization.tokens;
  const lifecycle = createLifecycle({
    drainTimeout: config.timeouts.drain ?? 10_000,
    releaseCache() {
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
  const serveOwnEndpoint: ServeOwnEndpoint = config.operations
    ? servePublished
    : (request, response) => serveOperations(request, response) || servePublished(request, response);
  const edge = composeEdge(config, authorization, { lifecycle, forwarder, serveOwnEndpoint, ...dependencies });

  const feed = createRevocationFeed({ cache, keysChanged, log, metrics });
  const unsubscribe = store.subscribe(feed.listener);
  const { background = (task) => task() } = dependencies;
  if (dependencies.keys === undefined) background(() => fetchKeys(keys, log));
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
  { steps, client: { publicOrigin, isTrustedProxy, certificateHeader } }: Authorization,
  lifecycle: Lifecycle,
  { metrics, secureContext, divert }: CompleteDependencies,
): Forwarder {
  const { timeouts, publicUrl, identityHeaders } = config;
  return createForwarder({
    via: steps.via,
    identityHeaders,
    tokenCookies: tokenCookieNames(config),
    publicUrl,
    publicOrigin,
    isTrustedProxy,
    certificateHeader,
    mayKeepAlive: () => !lifecycle.isDraining,
    answered: metrics && (({ routeName }, milliseconds) => metrics.upstreamAnswered(routeName, milliseconds / 1000)),
    secureContext,
    timeouts,
    divert,
  });
}

/** Publishes the metadata of APIs, and the keys of the gateway's own JWTs. */
function composePublished({ mutualTls, dpop }: GatewayConfig, { routes, tokens }: Authorization): ServeOwnEndpoint {
  const metadata = createResourceMetadata(routes, {
    dpopSigningAlgorithms: dpop.algorithms,
    ...(mutualTls && { certificateBoundTokens: true }),
  });
  const { ownJwts } = tokens;
  const keys = ownJwts ? [['/.well-known/jwks.json', JSON.stringify(ownJwts.jwks)] as const] : [];
  return createServePublished(new Map([...metadata, ...keys]));
}

interface EdgeDependencies extends CompleteDependencies {
  readonly lifecycle: Lifecycle;
  readonly forwarder: Forwarder;
  readonly serveOwnEndpoint: ServeOwnEndpoint;
}

/** The edge: the handlers of requests and upgrades. */
function composeEdge(config: GatewayConfig, authorization: Authorization, dependencies: EdgeDependencies) {
  const { steps, client, issuers, sealed, sharedValues } = authorization;
  const { lifecycle, forwarder, serveOwnEndpoint, store, fetch, log, metrics, tracing, now } = dependencies;
  const { isTrustedProxy, publicOrigin, certificateHeader, allowsHost } = client;
  const processor = createRequestProcessor({ steps, lifecycle, log, metrics, tracing, now });
  const refuseRequest = createRefuseRequest({ publicOrigin, algorithms: config.dpop.algorithms, lifecycle });
  const servePreflight = createPreflights(steps.findRoute);
  const decisions = createDecisionEndpoints(config.decisionEndpoints, {
    isTrustedProxy,
    tokenCookies: tokenCookieNames(config),
    identityHeaders: config.identityHeaders,
    certificateHeader,
  });
  const handlerDependencies = { fetch, sealed, sharedValues, publicOrigin, log, now };
  const endpoints = [
    tokenHandlersEndpoint(createServeTokenHandlers(config, handlerDependencies)),
    decisionEndpoint({ decisions, servePreflight, processor, log }),
    preflightEndpoint(servePreflight),
    ...(config.homePage ? [homePageEndpoint(config, authorization.routes, steps.findRoute)] : []),
    apiEndpoint(processor, forwarder),
  ];
  const handler = createServeRequest({ allowsHost, serveOwnEndpoint, endpoints, processor, refuseRequest, lifecycle });
  const upgrade = createServeUpgrade(config.webSockets, {
    ...{ allowsHost, serveOwnEndpoint, processor, refuseRequest, forwarder, lifecycle, log },
    isDecision: (target) => decisions.find(target) !== undefined,
    serveRequest: handler,
    tokenWatch: createTokenWatch({ ...authorization.tokens, issuers, subscribe: store.subscribe, now }),
    senderOf: steps.senderOf,
  });
  return { handler, upgrade, unreadable: processor.unreadable };
}

function introspectionLoads(issuers: Issuers): ReadonlyMap<string, IntrospectionLoad> {
  return new Map(
    [...issuers].flatMap(([name, { introspection }]) => (introspection ? [[name, introspection.load()] as const] : [])),
  );
}
