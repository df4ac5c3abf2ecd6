import { mountPathOf } from '@tallystick/authorization-server';
import type { Log } from '@tallystick/common';
import type { StoreUse, TokenStore } from '@tallystick/token-store';
import { ConfigError } from '../config/config_error.ts';
import { checkConfig, loadConfig } from '../config/load_config.ts';
import type { Config } from '../config/schema.ts';
import { findWarnings } from '../config/warnings.ts';
import { createClock, type ManagedClock } from '../harness/clock/create_clock.ts';
import type { Harness } from '../harness/harness.ts';
import { InputError } from '../harness/input_error.ts';
import { sampleApiUrl, serverUrl } from './addresses.ts';
import { type OpenApp, openApp } from './app.ts';
import { runAuthorizationServer } from './authorization_server.ts';
import { runControlApi } from './control_api.ts';
import { createLog, gatewayStoreUses, openStore, type RoleDependencies } from './dependencies.ts';
import { type RunningGateway, runGateway } from './gateway.ts';
import { createOwnFetch } from './own_fetch.ts';
import { refuseChanges } from './refuse_changes.ts';
import { runSampleApi, SAMPLE_API_FIXED } from './sample_api.ts';
import { createTenantGateway } from './tenant_gateway.ts';
import { createUpstreams, type LibraryConfig, type Upstreams } from './upstreams/open_upstreams.ts';

export interface StartOptions {
  /** The configuration, or the name of its file. */
  readonly config: LibraryConfig | string;
  /** `free`: free ports, so that instances can run side by side. `configured`: those in the configuration. Default: `free`. */
  readonly ports?: 'free' | 'configured';
  /** Default: JSON lines on standard error, at the configured level. */
  readonly log?: Log;
  /** A store to use instead of the configured one. The caller closes it. */
  readonly store?: TokenStore;
}

/** The configuration itself instead of {@link StartOptions}. */
export type ShortStartOptions = LibraryConfig & Pick<StartOptions, 'ports'>;

/** Without options: the demo, which accepts every client. */
async function readOptions(given: StartOptions | ShortStartOptions | undefined): Promise<StartOptions> {
  if (given === undefined)
    return { config: { ...(await import('../config/demo_config.ts')).demoConfig, permissive: true } };
  if ('config' in given) return given;
  const { ports = 'free', ...config } = given as ShortStartOptions;
  return { config, ports };
}

/** All roles, running in this process. */
export interface Tallystick extends Harness {
  /** Issuer identifier and base URL of the authorization server. */
  readonly issuer: string;
  readonly gatewayUrl: string;
  readonly sampleApiUrl: string;
  /** With `tls`: CA that clients have to trust, as PEM. Absent if it is a public one. */
  readonly ca?: string | undefined;
  /** The file that holds `ca`. */
  readonly caFile?: string | undefined;
  /** With `tls`: SHA-256 of the certificate of the servers. */
  readonly certificateFingerprint?: string | undefined;
  /** Base URL of the control API, if `controlApi.enabled`. */
  readonly controlUrl?: string | undefined;
  /** The configuration with defaults and ports. */
  readonly config: Config;
  /**
   * Applies the clients, users, APIs, routes and gateway settings of another configuration to new requests. It also becomes the state
   * that `reset` restores.
   *
   * @throws {ConfigError} it is not valid, or a value differs that cannot change while the servers run; nothing changed
   */
  replace(config: LibraryConfig): Promise<void>;
  /** Stops all servers after requests in flight have finished. */
  stop(): Promise<void>;
  /** Stops at the end of the scope: `await using tallystick = await startTallystick(…)`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Starts the authorization server, the gateway and the sample API in this process.
 *
 * @example
 * await using tally = await startTallystick({
 *   apis: [{ resource: 'https://orders.example', accessTokens: 'split', scopes: ['read'], upstream: app }],
 * });
 * const answer = await tally.fetch('/orders', { as: 'alice', scopes: ['read'] });
 *
 * @example
 * const tallystick = await startTallystick({ config: 'tallystick.config.yaml' });
 * // … fetch(`${tallystick.gatewayUrl}/split/hello`, …)
 * tallystick.faults.add({ endpoint: 'introspection', status: 503, calls: 2 });
 * tallystick.clock.advance(3600);
 * await tallystick.reset();
 * await tallystick.stop();
 *
 * @example
 * const tallystick = await startTallystick(); // the demo, which accepts every client, redirect URI, scope and audience
 *
 * @example
 * const tallystick = await startTallystick({ apis: ['http://localhost:3000'] });
 *
 * @throws {ConfigError} the configuration is not valid
 * @throws {PortError} a configured port is in use (`code` EADDRINUSE), or this user may not listen there (EACCES)
 */
export async function startTallystick(given?: StartOptions | ShortStartOptions): Promise<Tallystick> {
  const options = await readOptions(given);
  const steps: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const step of steps.splice(0).reverse()) await step();
  };
  try {
    // Not a copy: the issuer can change.
    return Object.assign(await start(options, (step) => void steps.push(step)), { stop, [Symbol.asyncDispose]: stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Adds a step to the stop of Tallystick. The last step comes first. */
type OnStop = (step: () => Promise<void>) => void;

async function start(
  { ports = 'free', ...options }: StartOptions,
  onStop: OnStop,
): Promise<Omit<Tallystick, 'stop' | typeof Symbol.asyncDispose>> {
  const { locate, stop: stopUpstreams } = createUpstreams();
  onStop(stopUpstreams);
  const own = ports === 'free' ? createOwnFetch() : undefined;
  onStop(async () => own?.close());
  const load = async (given: StartOptions['config']) =>
    typeof given === 'string' ? loadConfig(given) : checkConfig(await locate(given));
  const withPorts = ports === 'free' ? withFreePorts : (given: Config) => given;
  const config = withPorts(await load(options.config));
  const tls = config.tls && (await (await import('./tls/open_tls.ts')).openTls(config));
  // Entries of the store expire by this clock, so tests can move it only with a memory store that is opened here.
  const clock = createClock({ movable: options.store === undefined && config.store.url === 'memory:' });
  const { now } = clock;
  const ownLog = createLog(config.log.level);
  const log = options.log ?? ownLog;
  const uses: StoreUse[] = ['records', ...gatewayStoreUses(config)];
  const store = options.store ?? (await openStore(config, { uses, log, now }));
  if (options.store === undefined) onStop(() => store.close());
  const sampleApi = await openApp(config, 'sampleApi', { tls, log });
  onStop(sampleApi.stop);
  const authorizationServer = await openApp(config, 'authorizationServer', { tls, log });
  onStop(authorizationServer.stop);
  const withAddresses = (given: Config) =>
    ports === 'free' ? withUrls(given, authorizationServer.port, sampleApi.port) : given;
  const running = withAddresses(config);
  for (const { path, message } of findWarnings(running)) log.warn({ path }, message);
  const apps = { authorizationServer, sampleApi };
  const intercepted = ports === 'free' || running.controlApi.enabled;
  const fetch = tls?.trust.fetch ?? own?.fetch;
  const roles = await runRoles(running, apps, {
    ...{ store, log, now, tls, fetch, clock, onStop, locate, intercepted },
  });
  const { controlPort } = roles;
  return {
    ...roles.harness,
    get issuer() {
      return roles.harness.issuer;
    },
    gatewayUrl: serverUrl(running, running.host, roles.gatewayPort),
    sampleApiUrl: sampleApiUrl(running),
    controlUrl: controlPort === undefined ? undefined : serverUrl(running, running.controlApi.host, controlPort),
    ca: tls?.ca,
    caFile: tls?.caFile,
    certificateFingerprint: tls?.server?.fingerprint,
    config: running,
    async replace(changed) {
      const replaced = withAddresses(withPorts(await load(changed)));
      await roles.replace(replaced);
      ownLog.level = replaced.log.level;
    },
  };
}

interface Apps {
  readonly authorizationServer: OpenApp;
  readonly sampleApi: OpenApp;
}

interface RolesDependencies extends Pick<RoleDependencies, 'store' | 'log' | 'tls' | 'fetch'> {
  /** Whether tests control the gateway, which then records its requests. */
  readonly intercepted: boolean;
  readonly locate: Upstreams['locate'];
  readonly now: () => number;
  readonly clock: ManagedClock;
  readonly onStop: OnStop;
}

/** Runs the roles, each with its own server. A change of the first issuer's APIs or keys reaches the other roles at once. */
async function runRoles(
  config: Config,
  apps: Apps,
  { clock, onStop, locate, intercepted, ...dependencies }: RolesDependencies,
) {
  let current = config;
  let gateway: RunningGateway | undefined;
  // Where the other roles of this process reach the authorization server, whatever clients call it.
  const ownIssuer = serverUrl(config, config.host, apps.authorizationServer.port) + mountPathOf(config.issuer);
  runSampleApi(config, apps.sampleApi, dependencies);
  const { harness, release, replace, gatewayAt, closeGateways, ...first } = await runAuthorizationServer(
    config,
    apps.authorizationServer,
    {
      ...dependencies,
      clock,
      locate,
      intercepted: true,
      async apisChanged({ routes, ...entries }) {
        const changed = { ...current, ...entries, gateway: { ...current.gateway, routes } };
        await gateway?.replace(changed);
        runSampleApi(changed, apps.sampleApi, dependencies);
      },
      async issuerChanged(issuer) {
        const renamed = withIssuer(current, issuer, ownIssuer);
        await gateway?.replace(renamed);
        current = renamed;
        runSampleApi(renamed, apps.sampleApi, dependencies);
      },
      keysPublished: (jwks) => gateway?.setKeys(jwks),
      gatewayUrl: () => gateway && serverUrl(config, config.host, gateway.port),
      openTenantGateway: (tenant) =>
        createTenantGateway(tenant, {
          ...dependencies,
          config: () => current,
          open: async (tenantConfig, tenant) => {
            if (gateway === undefined) throw new TypeError('the gateway has not started');
            return gateway.open(tenantConfig, tenant);
          },
        }),
    },
  );
  // Another server on the store may have changed the keys. Reading them publishes them to the gateway of this process.
  const keysChanged = () => void harness.keys.list().catch(() => {});
  gateway = await runGateway(config, {
    ...{ ...dependencies, keysChanged, gatewayAt },
    ...(intercepted && first.gateway),
  });
  onStop(gateway.stop);
  onStop(closeGateways);
  const control = config.controlApi.enabled ? await runControlApi(config, harness, dependencies) : undefined;
  if (control) onStop(control.stop);
  onStop(async () => release());
  return {
    harness,
    gatewayPort: gateway.port,
    controlPort: control?.port,
    async replace(changed: Config) {
      refuseChanges('the sample API', config, changed, SAMPLE_API_FIXED);
      const before = current;
      current = before.issuer === config.issuer ? changed : withIssuer(changed, before.issuer, ownIssuer);
      try {
        // The APIs of a loaded configuration are new objects, so this calls `apisChanged`, which replaces the other roles.
        await replace(changed);
      } catch (error) {
        current = before;
        throw error instanceof InputError
          ? new ConfigError('the configuration', [`${error.path}: ${error.message}`])
          : error;
      }
    },
  };
}

/** @param address of the authorization server in this process */
function withIssuer(config: Config, issuer: string, address: string): Config {
  const { authorizationServer } = config;
  const backChannelUrl = authorizationServer.backChannelUrl ?? address;
  return { ...config, issuer, authorizationServer: { ...authorizationServer, backChannelUrl } };
}

function withFreePorts(config: Config): Config {
  return {
    ...config,
    authorizationServer: { ...config.authorizationServer, port: 0 },
    gateway: { ...config.gateway, port: 0 },
    sampleApi: { ...config.sampleApi, port: 0 },
    controlApi: { ...config.controlApi, port: 0 },
  };
}

function withUrls(config: Config, authorizationServerPort: number, sampleApiPort: number): Config {
  return {
    ...config,
    issuer: serverUrl(config, config.host, authorizationServerPort) + mountPathOf(config.issuer),
    sampleApi: { ...config.sampleApi, port: sampleApiPort, url: serverUrl(config, config.host, sampleApiPort) },
  };
}
