import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type AuthorizationServerConfig, createAuthorizationServer } from '@tallystick/authorization-server';
import {
  createGatewayServer,
  createMetrics,
  createReplaceableGateway,
  type GatewayConfig,
  type Metrics,
} from '@tallystick/gateway';
import { createReplayMemory } from '@tallystick/resource-server';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import type { Logger } from 'pino';
import { ConfigError } from '../config/config_error.ts';
import type { Config } from '../config/schema.ts';
import { asConfigError } from '../harness/wrong_client.ts';
import { createSampleApi, type SampleApiConfig } from '../sample_api/create_sample_api.ts';
import { openTracing } from '../trace/open_tracing.ts';
import { allowedForOperations, allowedHosts, otherHostsAtGateway } from './allowed_hosts.ts';
import { type AppServer, createAppServer } from './app_server.ts';
import { asGatewayConfigError, introspectionSettings } from './introspection_settings.ts';
import { type Listening, listen } from './listen.ts';
import { createOwnJwtKey } from './own_jwt_key.ts';
import { allGatewayNames, gatewayNames } from './own_names.ts';
import { createProxyFor, createProxyingFetch } from './proxies.ts';
import { gatewayRoutes, sampleApiRoutes } from './route_configs.ts';
import type { Tls } from './tls/tls.ts';
import { tokenHandlerConfig } from './token_handler_config.ts';
import { withUpstreamTls } from './upstream_tls_settings.ts';
import { withoutUndefined } from './without_undefined.ts';

/** What a role needs from outside. */
export interface RoleDependencies {
  readonly store: TokenStore;
  readonly log: Logger;
  /** Epoch milliseconds. Default: real time. */
  readonly now?: () => number;
  /** What the gateway counts; default: nothing is shared with other processes. */
  readonly metrics?: Metrics;
  /** Tells a gateway's process that the signing keys on the store changed. Default: the gateway fetches them again. */
  readonly keysChanged?: () => void;
  /** Default: plain HTTP, and the usual CAs. */
  readonly tls?: Tls | undefined;
  /** Where the proxies are found through which issuers are called. Default: that of the process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** An authorization server or sample API that listens, and answers once it is run. */
export type OpenApp = Listening & Pick<AppServer, 'answerWith'>;

export async function openApp(
  config: Config,
  role: 'authorizationServer' | 'sampleApi' | 'controlApi',
  tls?: Tls,
): Promise<OpenApp> {
  const asksForCertificates = role === 'authorizationServer' && config.features.mutualTls;
  const { host, port, timeouts } = { host: config.host, ...config[role] };
  const app = createAppServer({
    allowsHost: await allowedHosts(config, role),
    tls: tls?.server && { ...tls.server, ...(asksForCertificates && { clientCas: tls.clientCas }) },
    keepAliveTimeout: timeouts.keepAlive,
  });
  return openServer(app, { host, port });
}

async function openOperations(config: Config, address: { host: string; port: number }): Promise<OpenApp> {
  const allowsHost = await allowedForOperations(config, address.host);
  return openServer(createAppServer({ allowsHost, keepAliveTimeout: config.gateway.timeouts.keepAlive }), address);
}

async function openServer(app: AppServer, address: { host: string; port: number }): Promise<OpenApp> {
  const listening = await listen(app.server, address);
  return {
    port: listening.port,
    answerWith: app.answerWith,
    drain: app.drain,
    stop() {
      app.drain();
      return listening.stop();
    },
  };
}

/** Finds what is wrong with the clients without listening or touching the store. @throws {ConfigError} */
export async function checkAuthorizationServer(config: Config, log: Logger): Promise<void> {
  const store = await openTokenStore({ url: 'memory:' });
  const checked = authorizationServerConfig({ ...config, secret: randomBytes(32).toString('base64url') });
  try {
    await createAuthorizationServer(checked, { store, log });
  } catch (error) {
    throw asConfigError(error);
  } finally {
    await store.close();
  }
}

export function runSampleApi(
  config: Config,
  app: OpenApp,
  { now, tls }: Pick<RoleDependencies, 'now' | 'tls'> = {},
): void {
  const dependencies = { ...(now && { now }), ...(tls && { fetch: tls.trust.fetch }) };
  app.answerWith(createSampleApi(sampleApiConfig(config), dependencies), async () => ({
    unready: [],
    reasons: {},
    warnings: [],
  }));
}

/** Finds what is wrong with the sample API's configuration without listening or calling anybody. @throws {ConfigError} */
export function checkSampleApi(config: Config): void {
  createSampleApi(sampleApiConfig(config));
}

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
  const store = await openTokenStore({ url: 'memory:' });
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

/**
 * Refuses a configuration in which something differs that a role reads only when it starts.
 *
 * @throws {ConfigError}
 */
export function refuseFixed(role: string, before: Config, after: Config, fixed: readonly (keyof Config)[]): void {
  const problems = fixed
    .filter((name) => !isDeepStrictEqual(before[name], after[name]))
    .map((name) => `${name}: cannot change while ${role} runs`);
  if (problems.length > 0) throw new ConfigError('the configuration', problems);
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

export function authorizationServerConfig(config: Config & { secret: string }): AuthorizationServerConfig {
  return {
    issuer: config.issuer,
    secret: config.secret,
    backChannelUrl: config.authorizationServer.backChannelUrl,
    ...worldOf(config),
    trustedIssuers: config.trustedIssuers,
    insecurePasswordGrant: config.authorizationServer.insecurePasswordGrant,
    registeredClientCredentials: config.authorizationServer.registeredClientCredentials,
    lifetimes: config.lifetimes,
    signingAlgorithm: config.authorizationServer.signingAlgorithm,
    ...(config.authorizationServer.signingKey !== undefined && { signingKey: config.authorizationServer.signingKey }),
    introspectionMaxAge: config.authorizationServer.introspectionMaxAge,
    acrValues: config.authorizationServer.acrValues,
    clientCertificateHeader: config.authorizationServer.clientCertificateHeader,
    trustedProxies: config.authorizationServer.trustedProxies,
    reuseGrace: config.authorizationServer.reuseGrace,
    pollingInterval: config.authorizationServer.pollingInterval,
    features: config.features,
    // A certificate of one's own making is for development, whatever the issuer is called.
    ...(config.tls?.selfMade && { callsPrivateAddresses: true }),
  };
}

/** The part of the configuration that can change while the authorization server runs. */
export function worldOf({ apis, clients, users }: Pick<Config, 'apis' | 'clients' | 'users'>) {
  return {
    apis: apis.map(({ accessTokens, encryption, ...api }) => ({
      ...api,
      style: accessTokens,
      ...(encryption && { encryption }),
    })),
    clients: clients.map(withoutUndefined) as AuthorizationServerConfig['clients'],
    users,
  };
}

function gatewayConfig(config: Config & { secret: string }): Omit<GatewayConfig, 'client'> {
  const { cache, jwks, timeouts, publicUrl, trustedProxies, tokenHandlers, clientCertificateHeader } = config.gateway;
  const { limits, cors, upstreamHealth, decisionEndpoints, identityHeaders, webSockets } = config.gateway;
  const { replay: _, ...dpop } = config.gateway.dpop;
  return {
    issuer: config.issuer,
    authorizationServer: endpoints(config),
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

function sampleApiConfig(config: Config): SampleApiConfig {
  return {
    issuer: config.issuer,
    authorizationServer: endpoints(config),
    client: config.sampleApi.client,
    apis: sampleApiRoutes(config),
    gatewayNames: allGatewayNames(config),
    takesClientCertificates: config.features.mutualTls,
  };
}

function endpoints(config: Config) {
  const base = config.authorizationServer.backChannelUrl ?? config.issuer;
  return { introspectionEndpoint: `${base}/token/introspection`, jwksUri: `${base}/jwks` };
}
