import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '@tallystick/common';
import { createGatewayServer, createMetrics, createReplaceableGateway, type GatewayConfig } from '@tallystick/gateway';
import { gateway as gatewaySchema, makesJwts } from '@tallystick/gateway/config';
import { openTokenStore, type TokenStore } from '@tallystick/token-store';
import { storeConfig } from '@tallystick/token-store/config';
import { ConfigError } from '../config/config_error.ts';
import { leadsToSampleApi, upstreamOf } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import type { GatewayControls } from '../harness/gateway/gateway_controls.ts';
import { openTracing } from '../trace/open_tracing.ts';
import { authorizationServerEndpoints, gatewayHosts, sampleApiUrl } from './addresses.ts';
import { otherHostsAtGateway } from './allowed_hosts.ts';
import { openOperations } from './app.ts';
import { createBackground } from './background.ts';
import type { RoleDependencies } from './dependencies.ts';
import { type Listening, listen } from './listen.ts';
import { createOwnJwtKey, type OwnJwtKey } from './own_jwt_key.ts';
import { createProxyFor, createProxyingFetch } from './proxies.ts';
import { readMaterials } from './read_material.ts';
import { refuseChanges } from './refuse_changes.ts';
import { showsServerPage } from './server_pages.ts';
import type { OpenGateway, TenantOfGateway } from './tenant_gateway.ts';
import type { Tls } from './tls/open_tls.ts';

/** Values that the gateway reads only when it starts: those of its servers, its store and its traces. */
const FIXED = [
  'host',
  'gateway.port',
  'gateway.operations',
  'gateway.tracing',
  'gateway.limits.maxHeaderBytes',
  'gateway.timeouts.request',
  'gateway.timeouts.keepAlive',
  'gateway.timeouts.client',
  'features.mutualTls',
  'tls',
  'gateway.dpop.replay',
  'store',
];

export interface RunningGateway extends Listening {
  /** Port of /healthz, /readyz and /metrics, if they have their own. */
  readonly operationsPort?: number | undefined;
  /**
   * Applies another configuration to new requests. Requests in flight finish with the previous one.
   *
   * @throws {ConfigError} a value differs that cannot change while the gateway runs, or is not valid; nothing changed
   */
  replace(config: Config): Promise<void>;
  /** Replaces the authorization server's public keys, without a fetch. */
  setKeys(jwks: { readonly keys: readonly unknown[] }): void;
  /** Creates a gateway for another issuer, to which `gatewayAt` can lead. */
  open(config: Config, tenant: Pick<TenantOfGateway, 'store' | 'controls'>): Promise<OpenGateway>;
}

export interface GatewayRole extends RoleDependencies {
  /** What tests see of the gateway, and how they make it fail. Default: nothing. */
  readonly controls?: GatewayControls | undefined;
  /** Finds the gateway for the path of a request. Default: the one of this role serves all of them. */
  readonly gatewayAt?: ((path: string) => Pick<OpenGateway, 'handler' | 'upgrade'> | undefined) | undefined;
}

export async function runGateway(
  config: Config,
  { tls, controls, gatewayAt = () => undefined, ...dependencies }: GatewayRole,
): Promise<RunningGateway> {
  const configure = createGatewayConfigurator(config.secret, dependencies.store, tls);
  const proxyFor = createProxyFor(dependencies.environment ?? process.env);
  const configured = await configure(config);
  const traces = config.gateway.tracing && (await openTracing(config.gateway.tracing, dependencies));
  const background = createBackground();
  const calling = {
    background: background.run,
    tracing: traces?.tracing,
    secureContext: tls?.trust.secureContext,
    proxyFor,
    fetch: proxyFor ? createProxyingFetch(proxyFor, tls?.trust) : (tls?.trust.fetch ?? dependencies.fetch),
  };
  const gateway = createConfiguredGateway(configured, {
    ...{ metrics: createMetrics(), ...dependencies, ...calling },
    divert: controls?.divert,
  });
  const own = { handler: controls?.intercept(gateway.handler) ?? gateway.handler, upgrade: gateway.upgrade };
  const servedBy = ({ url = '' }: IncomingMessage) => gatewayAt(url) ?? own;
  const handlers = {
    handler: (request: IncomingMessage, response: ServerResponse) => servedBy(request).handler(request, response),
    upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      servedBy(request).upgrade(request, socket, head),
    unreadable: gateway.unreadable,
  };
  const serverTls = tls?.server && { ...tls.server, requestCert: config.features.mutualTls };
  const server = createGatewayServer(handlers, configured, serverTls);
  const { operations } = config.gateway;
  const operationsApp = operations && (await openOperations(config, operations));
  operationsApp?.answerWith(gateway.operations);
  const { port } = config.gateway;
  const listening = await listen(server, { host: config.host, port, setting: 'gateway.port' });
  background.start();
  return {
    port: listening.port,
    operationsPort: operationsApp?.port,
    async replace(changed) {
      refuseChanges('the gateway', config, changed, FIXED);
      await gateway.replace(await configure(changed)).catch((error) => {
        throw toGatewayConfigError(error);
      });
    },
    setKeys: (jwks) => gateway.setKeys(jwks),
    async open(other, { store, controls }) {
      const configureOther = createGatewayConfigurator(config.secret, store, tls);
      const { log, now } = dependencies;
      const opened = createConfiguredGateway(await configureOther(other), {
        store,
        log,
        now,
        divert: controls.divert,
        ...calling,
      });
      return {
        ...opened,
        replace: async (changed) =>
          opened.replace(await configureOther(changed)).catch((error) => {
            throw toGatewayConfigError(error);
          }),
      };
    },
    drain: gateway.drain,
    async stop() {
      gateway.drain();
      controls?.stop();
      const closed = listening.stop();
      await Promise.all([closed, gateway.close(closed)]);
      await Promise.all([operationsApp?.stop(), traces?.stop()]);
    },
  };
}

/** Checks the gateway's configuration without listening or calling other servers. @throws {ConfigError} */
export async function checkGateway(config: Config, log: Log): Promise<void> {
  const store = await openTokenStore(storeConfig());
  const fetch = () => Promise.reject(new Error('a check calls no server'));
  try {
    const configure = createGatewayConfigurator(config.secret, store, undefined);
    await createConfiguredGateway(await configure(config), { store, log, fetch }).close();
  } finally {
    await store.close();
  }
}

/** The gateway keeps the generated secret and key when it gets another configuration. */
function createGatewayConfigurator(secret: string | undefined, store: TokenStore, tls: Tls | undefined) {
  const usedSecret = secret ?? randomBytes(32).toString('base64url');
  const ownJwtKey = createOwnJwtKey(secret, store);
  return (config: Config) => gatewayConfig({ ...config, secret: config.secret ?? usedSecret }, { ownJwtKey, tls });
}

export interface GatewayConfigDependencies {
  readonly ownJwtKey: OwnJwtKey;
  readonly tls: Tls | undefined;
}

/**
 * Completes the gateway's section with addresses, keys and certificates.
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
    homePage: showsServerPage(config, config.host),
    otherHosts: await otherHostsAtGateway(config),
    secret: config.secret,
    client: client && { ...client, ca: client.ca ?? tls?.ca },
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
      upstream: leadsToSampleApi(route, config) ? sampleApiUrl(config) : upstreamOf(route, config),
      // The TLS settings of a route replace those of the process, so they repeat the CAs that all roles trust.
      upstreamTls: route.upstreamTls && {
        ...route.upstreamTls,
        ca: route.upstreamTls.ca ?? tls?.trust.cas.join('\n'),
      },
    })),
  };
}

/** @throws {ConfigError} a key or a certificate cannot be used */
function createConfiguredGateway(...parameters: Parameters<typeof createReplaceableGateway>) {
  try {
    return createReplaceableGateway(...parameters);
  } catch (error) {
    throw toGatewayConfigError(error);
  }
}

/** Turns the gateway's error about a key or a certificate into a configuration problem with its path. */
function toGatewayConfigError(error: unknown): unknown {
  if (error instanceof TypeError && /^route \S+: upstreamTls/.test(error.message)) {
    return new ConfigError('the configuration', [`gateway.routes: ${error.message}`]);
  }
  if (!(error instanceof TypeError) || !/^(?:issuers\[\d+\]\.)?(?:client|ownJwts)\./.test(error.message)) return error;
  return new ConfigError('the configuration', [`gateway.${error.message}`]);
}
