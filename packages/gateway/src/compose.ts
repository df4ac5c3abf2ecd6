import { randomBytes } from 'node:crypto';
import { createOwnNames } from '@tallystick/common';
import { createIssuers, createKeys, type Issuers } from './authorization_server/issuers.ts';
import type { AuthorizeDependencies } from './authorize/authorize_request.ts';
import { createCertificateOf, createCheckSenderConstraint, createUseOnce } from './authorize/sender_constraint.ts';
import { createReadTokenCookie } from './authorize/token_cookie.ts';
import type { GatewayConfig } from './config/config.ts';
import { makesJwts } from './config/derived.ts';
import { createVia } from './forward/via.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';
import { createOwnOrigin, createPublicOrigin } from './http/public_origin.ts';
import { createHostPolicy } from './http/request_checks.ts';
import { createSealedCookies } from './http/sealed_cookies.ts';
import { createSenderOf, createTrustedProxies } from './http/trusted_proxies.ts';
import { createRoute, type ProtectedRoute, type Route } from './routes/route.ts';
import { createRouteTable } from './routes/route_table.ts';
import { createFillCache } from './tokens/fill_cache.ts';
import { createOwnJwts } from './tokens/own_jwts.ts';
import { createResolvers } from './tokens/resolvers.ts';
import { createSharedLevel } from './tokens/shared_level.ts';
import { createTokenCache } from './tokens/token_cache.ts';
import { createValidate } from './tokens/validate.ts';

export interface CompleteDependencies extends GatewayDependencies {
  readonly fetch: typeof globalThis.fetch;
  readonly now: () => number;
}

/**
 * Creates the parts of a gateway that authorize requests. It starts no work: no fetches, no subscriptions.
 *
 * @throws {TypeError} for a configuration that cannot be served
 */
export function composeAuthorization(config: GatewayConfig, dependencies: CompleteDependencies) {
  const { store, fetch, log, now, metrics, proxyFor } = dependencies;
  const secret = config.secret ?? randomBytes(32).toString('base64url');
  const routes = config.routes.map((route) => createRoute(route, config, now));
  const keys = dependencies.keys ?? createKeys(config, { fetch, now });
  const issuers = createIssuers(config, { keys, fetch, log, now, metrics, proxyFor });
  const tokens = composeTokens(config, routes, issuers, dependencies);
  const client = composeClient(config);
  const sealed = createSealedCookies(secret, now);
  const steps: AuthorizeDependencies = {
    findRoute: createRouteTable(routes),
    resolverFor: tokens.resolverFor,
    cache: tokens.cache,
    fill: tokens.fill,
    senderOf: createSenderOf(client.isTrustedProxy),
    via: createVia(),
    readTokenCookie: createReadTokenCookie({ sealed, publicOrigin: client.publicOrigin }),
    certificateOf: client.certificateOf,
    checkSenderConstraint: createCheckSenderConstraint(
      { dpop: config.dpop, nonceSecret: secret },
      { ...client, useOnce: dependencies.useOnce ?? createUseOnce(config.dpop, { store, now }), now },
    ),
  };
  return { steps, routes, keys, issuers, tokens, client, sealed, sharedValues: store.sharedValues(secret) };
}

export type Authorization = ReturnType<typeof composeAuthorization>;

/** The cache, lookup and validation of tokens. */
function composeTokens(
  config: GatewayConfig,
  routes: readonly Route[],
  issuers: Issuers,
  { store, log, now }: CompleteDependencies,
) {
  const partitions = new Set(routes.flatMap((route) => (route.isPublic ? [] : route.cachePartition)));
  const cache = createTokenCache(config.cache, [...partitions], { now });
  const ownJwts = makesJwts(config)
    ? createOwnJwts({ ...config.ownJwts, issuer: config.ownJwts.issuer ?? config.publicUrl ?? '' }, { now })
    : undefined;
  const resolverFor = createResolvers(routes, issuers, { splitEntries: store.splitEntries, ownJwts, now });
  const shared = createSharedLevel({ maxAge: config.cache.maxAge }, { answers: store.sharedAnswers, log, now });
  // The store deletes shared answers on revocation, but only for the tokens of the gateway's own issuer.
  const isShared = (route: ProtectedRoute) =>
    config.cache.shared && route.accessTokens === 'phantom' && route.issuer === config.issuer;
  const fill = createFillCache({
    resolverFor,
    validate: createValidate(issuers, { ownJwts, log, now }),
    sharedFor: (route) => (isShared(route) ? shared : undefined),
  });
  return { cache, ownJwts, resolverFor, fill };
}

/** The address, origin and certificate of clients, from the connection and from trusted proxies. */
function composeClient(config: GatewayConfig) {
  const { publicUrl, hosts, trustedProxies, mutualTls, clientCertificateHeader } = config;
  const isTrustedProxy = createTrustedProxies(trustedProxies);
  const publicOrigin = createPublicOrigin({ publicUrl, isTrustedProxy });
  const ownOrigin = createOwnOrigin({ publicUrl, publicOrigin, isTrustedProxy, isOwnName: createOwnNames(hosts) });
  const certificateHeader = mutualTls ? clientCertificateHeader : undefined;
  return {
    isTrustedProxy,
    publicOrigin,
    ownOrigin,
    certificateHeader,
    certificateOf: certificateHeader === undefined ? undefined : createCertificateOf(certificateHeader, isTrustedProxy),
    allowsHost: createHostPolicy(config, isTrustedProxy),
  };
}
