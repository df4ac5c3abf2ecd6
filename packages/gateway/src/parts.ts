import { randomBytes } from 'node:crypto';
import { createOwnNames } from '@tallystick/common';
import { defaultDPoPAlgorithms } from '@tallystick/resource-server';
import { createIssuers, createKeys } from './authorization_server/issuers.ts';
import type { WalkDependencies } from './authorize/authorize_request.ts';
import { createCertificateOf, createCheckSenderConstraint, onceInStore } from './authorize/sender_constraint.ts';
import { createReadTokenCookie } from './authorize/token_cookie.ts';
import type { GatewayConfig } from './config/config.ts';
import { createVia } from './forward/via.ts';
import type { GatewayDependencies } from './gateway_dependencies.ts';
import { createOwnOrigin, createPublicOrigin } from './http/public_origin.ts';
import { createHostPolicy } from './http/request_checks.ts';
import { createSealedCookies } from './http/sealed_cookies.ts';
import { createSenderOf } from './http/sender.ts';
import { createTrustedProxies } from './http/trusted_proxies.ts';
import { createRoute, type ProtectedRoute } from './routes/route.ts';
import { createRouteTable } from './routes/route_table.ts';
import { createFillCache } from './tokens/fill.ts';
import { createOwnJwts } from './tokens/own_jwts.ts';
import { createResolvers } from './tokens/resolvers.ts';
import { createSharedLevel } from './tokens/shared_level.ts';
import { createTokenCache } from './tokens/token_cache.ts';
import { createValidate } from './tokens/validate.ts';

export type PartsDependencies = GatewayDependencies & Required<Pick<GatewayDependencies, 'fetch' | 'now'>>;

/**
 * What a gateway with this configuration is made of, up to the steps of the walk. Nothing of it does anything yet.
 *
 * @throws {TypeError} for a configuration that cannot be served
 */
export function createParts(config: GatewayConfig, dependencies: PartsDependencies) {
  const { store, log, fetch, now, metrics, proxyFor } = dependencies;
  const { issuer, publicUrl, clientCertificates } = config;
  const secret = config.secret ?? randomBytes(32).toString('base64url');

  const routes = config.routes.map((route) => createRoute(route, config, now));
  const keys = dependencies.keys ?? createKeys(config, { fetch, now });
  const issuers = createIssuers(config, { keys, fetch, log, now, metrics, proxyFor });
  const partitions = new Set(routes.flatMap((route) => (route.isPublic ? [] : route.cachePartition)));
  const cache = createTokenCache(config.cache, [...partitions], { now });
  const ownJwts = config.ownJwts && createOwnJwts(config.ownJwts, { now });
  const resolverFor = createResolvers(routes, issuers, { splitEntries: store.splitEntries, ownJwts, now });
  const shared = createSharedLevel({ maxAge: config.cache.maxAge }, { answers: store.sharedAnswers, log, now });
  // The store knows the tokens of one issuer, and deletes what is shared about them when they are revoked.
  const isShared = (route: ProtectedRoute) =>
    config.cache.shared === true && route.style === 'phantom' && route.issuer === issuer;
  const isTrustedProxy = createTrustedProxies(config.trustedProxies ?? []);
  const publicOrigin = createPublicOrigin({ publicUrl, isTrustedProxy });
  const isOwnName = createOwnNames(config.hosts ?? []);
  const ownOrigin = createOwnOrigin({ publicUrl, publicOrigin, isTrustedProxy, isOwnName });
  const sealed = createSealedCookies(secret, now);
  const sharedValues = store.sharedValues(secret);
  const dpop = { algorithms: [...defaultDPoPAlgorithms], ...config.dpop };
  const certificateOf = clientCertificates && createCertificateOf(clientCertificates.header, isTrustedProxy);
  const steps: WalkDependencies = {
    findRoute: createRouteTable(routes),
    resolverFor,
    cache,
    fill: createFillCache({
      resolverFor,
      validate: createValidate(issuers, { ownJwts, log, now }),
      sharedFor: (route) => (isShared(route) ? shared : undefined),
    }),
    senderOf: createSenderOf(isTrustedProxy),
    via: createVia(),
    readTokenCookie: createReadTokenCookie({ sealed, publicOrigin }),
    certificateOf,
    checkSenderConstraint: createCheckSenderConstraint(
      { dpop, nonceSecret: secret },
      { useOnce: dependencies.useOnce ?? onceInStore(store), ownOrigin, certificateOf, now },
    ),
  };
  const allowsHost = createHostPolicy(config, isTrustedProxy);
  return {
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
  };
}
