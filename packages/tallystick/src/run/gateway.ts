import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createGatewayServer, createMetrics, createReplaceableGateway, type GatewayConfig } from '@tallystick/gateway';
import { gateway as gatewaySchema, makesJwts } from '@tallystick/gateway/config';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import { leadsToSampleApi } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import { openTracing } from '../trace/open_tracing.ts';
import { authorizationServerEndpoints, gatewayHosts, sampleApiUrl } from './addresses.ts';
import { otherHostsAtGateway } from './allowed_hosts.ts';
import { openOperations } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { type Listening, listen } from './listen.ts';
import { createOwnJwtKey, type OwnJwtKey } from './own_jwt_key.ts';
import { createProxyFor, createProxyingFetch } from './proxies.ts';
import { readMaterials } from './read_material.ts';
import type { Tls } from './tls/trust.ts';

export interface RunningGateway extends Listening {
  /** Where /healthz, /readyz and /metrics are, if they have a port of their own. */
  readonly operationsPort?: number;
  /**
   * Serves new requests by another configuration; those under way finish by the one before.
   *
   * @throws {ConfigError} something is different that cannot change while it runs; nothing changed
   * @throws {Error} it cannot be used; nothing changed
   */
  replace(config: Config): Promise<void>;
  /** Takes the authorization server's public keys as they are from now on, without a fetch. */
  followKeys(jwks: { readonly keys: readonly unknown[] }): void;
}

export async function runGateway(config: Config, { tls, ...dependencies }: RoleDependencies): Promise<RunningGateway> {
  const configure = configuringGateway(config.secret, dependencies.store, tls);
  const proxyFor = createProxyFor(dependencies.environment ?? process.env);
  const configured = await configure(config);
  const traces = config.gateway.tracing && (await openTracing(config.gateway.tracing, dependencies));
  const gateway = createConfiguredGateway(configured, {
    metrics: createMetrics(),
    ...dependencies,
    tracing: traces?.tracing,
    secureContext: tls?.trust.secureContext,
    proxyFor,
    fetch: proxyFor ? createProxyingFetch(proxyFor, tls?.trust) : tls?.trust.fetch,
  });
  const serverTls = tls?.server && { ...tls.server, requestCert: config.features.mutualTls };
  const server = createGatewayServer(gateway, configured, serverTls);
  const { operations } = config.gateway;
  const apart = operations && (await openOperations(config, operations));
  apart?.answerWith(gateway.operations);
  const listening = await listen(server, { host: config.host, port: config.gateway.port });
  return {
    port: listening.port,
    ...(apart && { operationsPort: apart.port }),
    async replace(changed) {
      const fixed = findFixed(config, changed);
      if (fixed) throw new ConfigError('the configuration', [`${fixed}: cannot change while the gateway runs`]);
      await gateway.replace(await configure(changed)).catch((error) => {
        throw asGatewayConfigError(error);
      });
    },
    followKeys: (jwks) => gateway.takeKeys(jwks),
    drain: gateway.drain,
    async stop() {
      gateway.drain();
      const closed = listening.stop();
      await Promise.all([closed, gateway.close(closed)]);
      await Promise.all([apart?.stop(), traces?.stop()]);
    },
  };
}

/** Finds what is wrong with the gateway's configuration without listening or calling anybody. @throws {ConfigError} */
export async function checkGateway(config: Config, log: Logger): Promise<void> {
  const store = await openTokenStore(storeConfig());
  const fetch = () => Promise.reject(new Error('nobody is called'));
  try {
    const configure = configuringGateway(config.secret, store, undefined);
    await createConfiguredGateway(await configure(config), { store, log, fetch }).close();
  } finally {
    await store.close();
  }
}

/** Makes the gateway's configuration of any that the process gets while it runs. */
function configuringGateway(secret: string | undefined, store: TokenStore, tls: Tls | undefined) {
  const usedSecret = secret ?? randomBytes(32).toString('base64url');
  const ownJwtKey = createOwnJwtKey(secret, store);
  return (config: Config) => gatewayConfig({ ...config, secret: config.secret ?? usedSecret }, { ownJwtKey, tls });
}

export interface GatewayConfigDependencies {
  readonly ownJwtKey: OwnJwtKey;
  readonly tls: Tls | undefined;
}

/**
 * The gateway's section with what only this process knows.
 *
 * @throws {ConfigError} a file that it names cannot be read
 */
export async function gatewayConfig(
  config: Config,
  { ownJwtKey, tls }: GatewayConfigDependencies,
): Promise<GatewayConfig> {
  const section = await readMaterials(gatewaySchema, config.gateway, ['gateway']);
  const { client, issuers, routes, ownJwts } = section;
  return {
    ...section,
    issuer: config.issuer,
    authorizationServer: {
      ...authorizationServerEndpoints(config),
      backChannelUrl: config.authorizationServer.backChannelUrl,
    },
    apis: config.apis,
    mutualTls: config.features.mutualTls,
    hosts: gatewayHosts(config),
    otherHosts: await otherHostsAtGateway(config),
    secret: config.secret,
    client: { ...client, ca: client.ca ?? tls?.ca },
    issuers: issuers.map((issuer) => ({
      ...issuer,
      client: issuer.client && { ...issuer.client, ca: issuer.client.ca ?? tls?.ca },
    })),
    ownJwts: {
      ...ownJwts,
      signingKey: ownJwts.signingKey ?? (makesJwts(section) ? JSON.stringify(await ownJwtKey()) : undefined),
    },
    routes: routes.map((route) => ({
      ...route,
      upstream: leadsToSampleApi(route) ? sampleApiUrl(config) : route.upstream,
      // A route with a certificate of its own has trust of its own too, which includes the CAs that all roles trust.
      upstreamTls: route.upstreamTls && {
        ...route.upstreamTls,
        ca: route.upstreamTls.ca ?? tls?.trust.cas.join('\n'),
      },
    })),
  };
}

/** @throws {ConfigError} a key or a certificate cannot be used */
function createConfiguredGateway(...given: Parameters<typeof createReplaceableGateway>) {
  try {
    return createReplaceableGateway(...given);
  } catch (error) {
    throw asGatewayConfigError(error);
  }
}

/** The gateway's server, and the store that it is on, are there before it and stay. */
function findFixed(before: Config, after: Config): string | undefined {
  if (before.host !== after.host) return 'host';
  if (before.gateway.port !== after.gateway.port) return 'gateway.port';
  if (!isDeepStrictEqual(before.gateway.operations, after.gateway.operations)) return 'gateway.operations';
  if (!isDeepStrictEqual(before.gateway.tracing, after.gateway.tracing)) return 'gateway.tracing';
  if (before.gateway.limits.maxHeaderBytes !== after.gateway.limits.maxHeaderBytes)
    return 'gateway.limits.maxHeaderBytes';
  if (before.gateway.timeouts.request !== after.gateway.timeouts.request) return 'gateway.timeouts.request';
  if (before.gateway.timeouts.keepAlive !== after.gateway.timeouts.keepAlive) return 'gateway.timeouts.keepAlive';
  if (before.gateway.timeouts.client !== after.gateway.timeouts.client) return 'gateway.timeouts.client';
  if (before.features.mutualTls !== after.features.mutualTls) return 'features.mutualTls';
  if (!isDeepStrictEqual(before.tls, after.tls)) return 'tls';
  if (before.gateway.dpop.replay !== after.gateway.dpop.replay) return 'gateway.dpop.replay';
  return isDeepStrictEqual(before.store, after.store) ? undefined : 'store';
}

/** Names the key or the certificate that the gateway cannot use by its place in the configuration. */
function asGatewayConfigError(error: unknown): unknown {
  if (error instanceof TypeError && /^route \S+: upstreamTls/.test(error.message)) {
    return new ConfigError('the configuration', [`gateway.routes: ${error.message}`]);
  }
  if (!(error instanceof TypeError) || !/^(?:issuers\[\d+\]\.)?(?:client|ownJwts)\./.test(error.message)) return error;
  return new ConfigError('the configuration', [`gateway.${error.message}`]);
}
