import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Log } from '@tallystick/common';
import { errorFields } from '@tallystick/common';
import type { ReplaceableGateway } from '@tallystick/gateway';
import type { TokenStore } from '@tallystick/token-store';
import { leadsToSampleApi } from '../config/cross_references/sample_api_routes.ts';
import type { Config } from '../config/schema.ts';
import type { Entries } from '../harness/collections.ts';
import type { GatewayControls } from '../harness/gateway/gateway_controls.ts';
import { serverUrl } from './addresses.ts';
import { type OpenApp, openApp } from './app.ts';
import type { RoleDependencies } from './dependencies.ts';
import { runSampleApi } from './sample_api.ts';

/** Tokens that the gateway of a tenant caches: enough for a test, and little memory. */
const CACHED_TOKENS = 500;

/** Serves the APIs of a tenant at `{gateway}/{id}`. It starts with its first request: many tenants never use it. */
export interface TenantGateway {
  handler(this: void, request: IncomingMessage, response: ServerResponse): void;
  upgrade(this: void, request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Uses other APIs and routes for new requests. */
  replace(entries: Entries): Promise<void>;
  setKeys(jwks: { readonly keys: readonly unknown[] }): void;
  /** Closes it. Another request would start it again. */
  close(): Promise<void>;
}

export interface TenantOfGateway {
  readonly id: string;
  readonly issuer: string;
  readonly entries: Entries;
  /** The tenant's partition of the store. */
  readonly store: TokenStore;
  readonly controls: GatewayControls;
}

export interface TenantGatewayDependencies extends Pick<RoleDependencies, 'now' | 'tls' | 'fetch'> {
  /** The configuration of the server. */
  readonly config: () => Config;
  /** Creates a gateway on the server. */
  readonly open: (config: Config, tenant: Pick<TenantOfGateway, 'store' | 'controls'>) => Promise<OpenGateway>;
  readonly log: Log;
}

export interface OpenGateway extends Pick<ReplaceableGateway, 'handler' | 'upgrade' | 'setKeys' | 'close' | 'drain'> {
  replace(config: Config): Promise<void>;
}

export function createTenantGateway(tenant: TenantOfGateway, dependencies: TenantGatewayDependencies): TenantGateway {
  const { config, open, log } = dependencies;
  let { entries } = tenant;
  let opening: Promise<OpenGateway> | undefined;
  let sampleApi: Promise<OpenApp> | undefined;

  /** The configuration of a Tallystick with the tenant as its only issuer. */
  async function configure(): Promise<Config> {
    const configured = tenantConfig(tenant, entries, config());
    if (!entries.routes.some((route) => leadsToSampleApi(route, configured))) return configured;
    const free = { ...configured, sampleApi: { ...configured.sampleApi, port: 0 } };
    sampleApi ??= openApp(free, 'sampleApi', dependencies);
    const app = await sampleApi;
    const url = serverUrl(configured, configured.host, app.port);
    const withSampleApi = { ...configured, sampleApi: { ...configured.sampleApi, url } };
    runSampleApi(withSampleApi, app, dependencies);
    return withSampleApi;
  }

  async function start(): Promise<OpenGateway> {
    return open(await configure(), tenant);
  }

  function use(then: (gateway: OpenGateway) => void, failed: () => void): void {
    opening ??= start();
    opening.then(then).catch((error) => {
      log.error(errorFields(error), 'the gateway of a tenant failed');
      failed();
    });
  }

  return {
    handler: tenant.controls.intercept((request, response) =>
      use(
        (gateway) => gateway.handler(request, response),
        () => response.writeHead(503, { 'Retry-After': '1' }).end(),
      ),
    ),
    upgrade: (request, socket, head) =>
      use(
        (gateway) => gateway.upgrade(request, socket, head),
        () => socket.destroy(),
      ),
    async replace(changed) {
      const before = entries;
      entries = changed;
      try {
        await (await opening)?.replace(await configure());
      } catch (error) {
        entries = before;
        throw error;
      }
    },
    setKeys: (jwks) => void opening?.then((gateway) => gateway.setKeys(jwks)).catch(() => {}), // The first request reports it.
    async close() {
      const [gateway, app] = await Promise.all([opening?.catch(() => undefined), sampleApi]);
      opening = undefined;
      sampleApi = undefined;
      gateway?.drain();
      tenant.controls.stop();
      await Promise.all([gateway?.close(), app?.stop()]);
    },
  };
}

/** The configuration of a Tallystick with the tenant as its only issuer, whose gateway has the path of the tenant. */
function tenantConfig(
  { id, issuer }: Pick<TenantOfGateway, 'id' | 'issuer'>,
  { apis, clients, users, routes }: Entries,
  config: Config,
): Config {
  const { authorizationServer, gateway, sampleApi } = config;
  const { backChannelUrl } = authorizationServer;
  const credentialsOf = (client: Config['gateway']['client']) => {
    const own = clients.find((known) => known.id === client?.id);
    return own?.secret === undefined ? client : { ...client, id: own.id, secret: own.secret };
  };
  return {
    ...config,
    ...{ issuer, apis, clients, users, tenants: [] },
    authorizationServer: { ...authorizationServer, backChannelUrl: backChannelUrl && `${backChannelUrl}/${id}` },
    gateway: {
      ...gateway,
      client: credentialsOf(gateway.client) as typeof gateway.client,
      cache: { ...gateway.cache, maxEntries: Math.min(gateway.cache.maxEntries, CACHED_TOKENS) },
      tokenHandlers: [],
      decisionEndpoints: [],
      routes: routes.map((route) => belowPath(route, id)),
    },
    sampleApi: { ...sampleApi, client: credentialsOf(sampleApi.client) as typeof sampleApi.client, url: undefined },
  };
}

/** Moves a route below the path of the tenant. The API sees the same path as without a tenant. */
function belowPath(route: Entries['routes'][number], id: string): Entries['routes'][number] {
  const { prefix, rewrite = prefix === '/' ? { stripPrefix: true as const } : { prefix } } = route;
  return { ...route, prefix: prefix === '/' ? `/${id}` : `/${id}${prefix}`, rewrite };
}
