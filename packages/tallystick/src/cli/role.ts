import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMetrics } from '@tallystick/gateway';
import { StoreUnavailableError, type StoreUse, type TokenStore } from '@tallystick/token-store';
import type { Logger } from 'pino';
import { type ConfigSource, readConfig, sourceName } from '../config/config_source.ts';
import type { Role } from '../config/role.ts';
import type { Config } from '../config/schema.ts';
import { findWarnings } from '../config/warnings.ts';
import { createClock } from '../harness/clock/create_clock.ts';
import { openApp } from '../run/app.ts';
import { runAuthorizationServer } from '../run/authorization_server.ts';
import type { AuthorizationServerRole } from '../run/authorization_server_role.ts';
import { runControlApi } from '../run/control_api.ts';
import { createLog, gatewayStoreUses, openStore, type RoleDependencies } from '../run/dependencies.ts';
import { runGateway } from '../run/gateway.ts';
import type { Listening } from '../run/listen.ts';
import { refuseChanges } from '../run/refuse_changes.ts';
import { runSampleApi, SAMPLE_API_FIXED } from '../run/sample_api.ts';
import type { Tls } from '../run/tls/open_tls.ts';
import { createSharedMetrics } from '../workers/shared_metrics.ts';
import { createReload } from './reload.ts';
import { trustCommand } from './terminal.ts';
import { untilStopped } from './until_stopped.ts';

/** Milliseconds between two attempts to reach a store that is still starting. */
const STORE_RETRY_INTERVAL = 500;

/** Milliseconds to wait for the store when the process starts. */
const STORE_TIMEOUT = 30_000;

/** Runs one role in this process until it is stopped. */
export async function runRole(name: Role, source: ConfigSource): Promise<number> {
  const config = await readConfig(source, process.env, name);
  const log = createLog(config.log.level);
  if (source.kind !== 'file') console.log(`using ${sourceName(source)}`);
  for (const { path, message } of findWarnings(config, name)) log.warn({ path }, message);
  const tls = config.tls && (await (await import('../run/tls/open_tls.ts')).openTls(config));
  if (name === 'sample-api') {
    const serving = serveSampleApi(config, { log, tls });
    reloadOnHangup(source, name, serving, log);
    return serveUntilStopped(name, await serving, { tls, drainDelay: config.sampleApi.timeouts.drainDelay });
  }
  const clock = createClock({ movable: config.store.url === 'memory:' });
  const uses: StoreUse[] = name === 'gateway' ? gatewayStoreUses(config) : ['records'];
  const store = await openStore(config, { uses, log, now: clock.now });
  try {
    if (name === 'gateway') return await serveGateway(source, config, { store, log, tls });
    await waitForStore(store);
    const serving = startAuthorizationServer(config, { store, log, tls, clock });
    reloadOnHangup(source, name, serving, log);
    const { drainDelay } = config.authorizationServer.timeouts;
    return await serveUntilStopped(name, await serving, { tls, drainDelay });
  } finally {
    await store.close();
  }
}

/**
 * Reloads the configuration file on SIGHUP. Call this before the role listens: a supervisor may send the signal from then on, and
 * without a handler it ends the process.
 */
function reloadOnHangup(
  source: ConfigSource,
  role: Role,
  serving: Promise<Pick<Reloadable, 'replace'>>,
  log: Logger,
): void {
  async function replace(changed: Config): Promise<void> {
    await (await serving).replace(changed);
    log.level = changed.log.level;
  }
  const reload = createReload({ source, role, replace });
  process.on('SIGHUP', () => void reload());
}

async function serveGateway(
  source: ConfigSource,
  config: Config,
  dependencies: RoleDependencies & { readonly log: Logger },
): Promise<number> {
  const metrics = cluster.isWorker ? createSharedMetrics() : createMetrics();
  const starting = runGateway(config, { ...dependencies, metrics });
  reloadOnHangup(source, 'gateway', starting, dependencies.log);
  const gateway = await starting;
  if (gateway.operationsPort !== undefined) console.log(`operations on port ${gateway.operationsPort}`);
  const { drainDelay } = config.gateway.timeouts;
  const code = await serveUntilStopped('gateway', gateway, { tls: dependencies.tls, drainDelay });
  cluster.worker?.disconnect(); // The channel to the primary process would keep this one alive.
  return code;
}

/** Starts the authorization server, and the control API if it is enabled. */
async function startAuthorizationServer(
  config: Config,
  dependencies: Omit<AuthorizationServerRole, 'intercepted'>,
): Promise<Reloadable> {
  const app = await openApp(config, 'authorizationServer', dependencies);
  const intercepted = config.controlApi.enabled;
  const { harness, replace, release } = await runAuthorizationServer(config, app, { ...dependencies, intercepted });
  // Makes the key of ID tokens before somebody waits for it.
  void harness.keys.list().catch(() => {});
  const control = intercepted ? await runControlApi(config, harness, dependencies) : undefined;
  if (control) console.log(`control API on port ${control.port}`);
  return {
    port: app.port,
    drain() {
      app.drain?.();
      control?.drain?.();
    },
    replace,
    async stop() {
      release();
      await Promise.all([control?.stop(), app.stop()]);
    },
  };
}

/** A role whose configuration can be replaced while it runs. */
interface Reloadable extends Listening {
  replace(config: Config): Promise<void>;
}

async function serveSampleApi(
  config: Config,
  { log, tls }: Pick<RoleDependencies, 'log' | 'tls'>,
): Promise<Reloadable> {
  const app = await openApp(config, 'sampleApi', { log, tls });
  runSampleApi(config, app, { log, tls });
  return {
    ...app,
    async replace(changed) {
      refuseChanges('the sample API', config, changed, SAMPLE_API_FIXED);
      runSampleApi(changed, app, { log, tls });
    },
  };
}

interface ServingOptions {
  readonly tls?: Tls | undefined;
  /** Milliseconds after SIGTERM in which requests are still served while `/readyz` fails. */
  readonly drainDelay: number;
}

async function serveUntilStopped(
  name: string,
  { port, drain, stop }: Listening,
  { tls, drainDelay }: ServingOptions,
): Promise<number> {
  const stopped = untilStopped(async (signal) => {
    if (signal === 'SIGTERM' && drainDelay > 0) {
      drain?.();
      console.log(`draining for ${drainDelay} ms: /readyz fails, requests are still served`);
      await sleep(drainDelay);
    }
    await stop();
  });
  // Wait strategies look for the first words of this line: docs/how-to/containers.md.
  console.log(`Tallystick is ready: ${name} listening on port ${port}`);
  if (tls?.server) console.log(`HTTPS, certificate SHA-256 ${tls.server.fingerprint}`);
  if (tls?.server && tls.caFile !== undefined) console.log(`trust it with: ${trustCommand(tls.caFile)}`);
  await stopped;
  return 0;
}

/**
 * Waits for a store that is still starting, because containers start in no fixed order. Logs each new reason once.
 *
 * @throws {StoreUnavailableError} the store did not answer within 30 seconds
 */
async function waitForStore(store: TokenStore): Promise<void> {
  let reported = '';
  for (let waited = 0; ; waited += STORE_RETRY_INTERVAL) {
    try {
      await store.ping();
      return;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || waited >= STORE_TIMEOUT) throw error;
      if (error.message !== reported) console.error(`waiting for the token store (${error.message})`);
      reported = error.message;
      await sleep(STORE_RETRY_INTERVAL);
    }
  }
}
