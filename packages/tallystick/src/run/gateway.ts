import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { createGatewayServer, createMetrics, createReplaceableGateway, type GatewayConfig } from '@tallystick/gateway';
import { createReplayMemory } from '@tallystick/resource-server';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';
import { openTracing } from '../trace/open_tracing.ts';
import { authorizationServerEndpoints } from './addresses.ts';
import { otherHostsAtGateway } from './allowed_hosts.ts';
import { openOperations, type RoleDependencies } from './app.ts';
import { asGatewayConfigError, introspectionSettings } from './introspection_settings.ts';
import { type Listening, listen } from './listen.ts';
import { createOwnJwtKey } from './own_jwt_key.ts';
import { gatewayNames } from './own_names.ts';
import { createProxyFor, createProxyingFetch } from './proxies.ts';
import { gatewayRoutes } from './route_configs.ts';
import type { Tls } from './tls/trust.ts';
import { tokenHandlerConfig } from './token_handler_config.ts';
import { withUpstreamTls } from './upstream_tls_settings.ts';
import { withoutUndefined } from './without_undefined.ts';

/** As many proofs as this gateway remembers at a time, where the store does not. */
const rememberedProofs = 100_000;

function rememberHere({ now = () => Date.now() }: Pick<RoleDependencies, 'now'>) {
  return createReplayMemory({ maxEntries: rememberedProofs }, { now });
}

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
  const gatewayConfig = await configure(config);
  const traces = config.gateway.tracing && (await openTracing(config.gateway.tracing, dependencies));
  const gateway = createConfiguredGateway(gatewayConfig, {
    metrics: createMetrics(),
    ...dependencies,
    ...(traces && { tracing: traces.tracing }),
    ...tls?.trust,
    ...(proxyFor && { proxyFor, fetch: createProxyingFetch(proxyFor, tls?.trust) }),
    ...(config.gateway.dpop.replay === 'memory' && { useOnce: rememberHere(dependencies) }),
  });
  const server = createGatewayServer(gateway, {
    tls: tls?.server && { ...tls.server, requestCert: config.features.mutualTls },
    maxHeaderBytes: config.gateway.limits.maxHeaderBytes,
    requestTimeout: config.gateway.timeouts.request,
    keepAliveTimeout: config.gateway.timeouts.keepAlive,
    clientTimeout: config.gateway.timeouts.client,
  });
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

/** What the gateway needs to know, by any configuration that it gets while it runs. */
function configuringGateway(secret: string | undefined, store: TokenStore, tls: Tls | undefined) {
  const usedSecret = secret ?? randomBytes(32).toString('base64url');
  const ownJwtKey = createOwnJwtKey(secret, store);
  return async (config: Config): Promise<GatewayConfig> => {
    const settings = gatewayConfig({ ...config, secret: config.secret ?? usedSecret });
    return {
      ...settings,
      otherHosts: await otherHostsAtGateway(config),
      ...(await introspectionSettings(config, { ownJwtKey, tls })),
      routes: await withUpstreamTls(config, settings.routes, tls),
    };
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

function gatewayConfig(config: Config & { secret: string }): Omit<GatewayConfig, 'client'> {
  const { cache, jwks, timeouts, publicUrl, trustedProxies, tokenHandlers, clientCertificateHeader } = config.gateway;
  const { limits, cors, upstreamHealth, decisionEndpoints, identityHeaders, webSockets } = config.gateway;
  const { replay: _, ...dpop } = config.gateway.dpop;
  return {
    issuer: config.issuer,
    authorizationServer: authorizationServerEndpoints(config),
    cache,
    jwks,
    timeouts,
    trustedProxies,
    dpop,
    webSockets,
    ...(config.features.mutualTls && { clientCertificates: { header: clientCertificateHeader } }),
    decisionEndpoints,
    operationsApart: config.gateway.operations !== undefined,
    secret: config.secret,
    tokenHandlers: tokenHandlers.map((handler) => tokenHandlerConfig(config, handler)),
    ...(publicUrl === undefined ? undefined : { publicUrl }),
    ...(withoutUndefined({ limits, cors, upstreamHealth, identityHeaders }) as Partial<GatewayConfig>),
    hosts: gatewayNames(config),
    routes: gatewayRoutes(config),
  };
}
