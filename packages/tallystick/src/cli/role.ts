import cluster from 'node:cluster';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMetrics } from '@tallystick/gateway';
import type { StoreUse } from '@tallystick/token-store';
import type { Role } from '../config/config_schema.ts';
import { loadConfig } from '../config/load_config.ts';
import type { Config } from '../config/schema.ts';
import { findWarnings } from '../config/warnings.ts';
import { createClock } from '../harness/clock/create_clock.ts';
import { openApp, type RoleDependencies } from '../run/app.ts';
import { type AuthorizationServerRole, runAuthorizationServer } from '../run/authorization_server.ts';
import { runControlApi } from '../run/control_api.ts';
import { runGateway } from '../run/gateway.ts';
import type { Listening } from '../run/listen.ts';
import { createLog } from '../run/log.ts';
import { openStore, usesOfGateway } from '../run/open_store.ts';
import { refuseFixed } from '../run/refuse_changes.ts';
import { runSampleApi } from '../run/sample_api.ts';
import type { Tls } from '../run/tls/trust.ts';
import { createSharedMetrics } from '../workers/shared_metrics.ts';
import { trustHint } from './trust_hint.ts';
import { untilStopped } from './until_stopped.ts';
import { untilStoreAnswers } from './until_store_answers.ts';

/** One role in this process, until it is stopped. */
export async function role(name: Role, configFile: string): Promise<number> {
  const config = await loadConfig(configFile, process.env, name);
  const log = createLog(config.log.level);
  for (const { path, message } of findWarnings(config, name)) log.warn({ path }, message);
  const tls = config.tls && (await (await import('../run/tls/open_tls.ts')).openTls(config));
  if (name === 'sample-api') {
    const serving = serveSampleApi(config, tls);
    reloadOnHangup(configFile, name, async (changed) => (await serving).replace(changed));
    return serveUntilStopped(name, await serving, { tls, drainDelay: config.sampleApi.timeouts.drainDelay });
  }
  const clock = createClock({ movable: config.store.url === 'memory:' });
  const uses: StoreUse[] = name === 'gateway' ? usesOfGateway(config) : ['records'];
  const store = await openStore(config, { uses, log, now: clock.now });
  try {
    if (name === 'gateway') return await serveGateway(configFile, config, { store, log, tls });
    await untilStoreAnswers(store);
    const serving = startAuthorizationServer(config, { store, log, tls, clock });
    reloadOnHangup(configFile, name, async (changed) => (await serving).replace(changed));
    const { drainDelay } = config.authorizationServer.timeouts;
    return await serveUntilStopped(name, await serving, { tls, drainDelay });
  } finally {
    await store.close();
  }
}

/**
 * Reads the configuration file again on SIGHUP. If it cannot be used, the role goes on with what it has. To be called before the role
 * listens: from then on it may get the signal, which ends a process without a listener.
 */
function reloadOnHangup(configFile: string, role: Role, replace: (config: Config) => Promise<void>): void {
  process.on('SIGHUP', async () => {
    try {
      await replace(await loadConfig(configFile, process.env, role));
      console.log('the configuration was read again');
    } catch (error) {
      console.error(`tallystick: the configuration stays as it was: ${(error as Error).message}`);
    }
  });
}

async function serveGateway(configFile: string, config: Config, dependencies: RoleDependencies): Promise<number> {
  const metrics = cluster.isWorker ? createSharedMetrics() : createMetrics();
  const starting = runGateway(config, { ...dependencies, metrics });
  reloadOnHangup(configFile, 'gateway', async (changed) => (await starting).replace(changed));
  const gateway = await starting;
  if (gateway.operationsPort !== undefined) console.log(`operations on port ${gateway.operationsPort}`);
  const { drainDelay } = config.gateway.timeouts;
  const code = await serveUntilStopped('gateway', gateway, { tls: dependencies.tls, drainDelay });
  cluster.worker?.disconnect(); // Otherwise what it hears from the process above would keep it alive.
  return code;
}

/** The authorization server, and the control API of this process if it is enabled. */
async function startAuthorizationServer(
  config: Config,
  dependencies: Omit<AuthorizationServerRole, 'provokable'>,
): Promise<Reloadable> {
  const app = await openApp(config, 'authorizationServer', dependencies.tls);
  const provokable = config.controlApi.enabled;
  const { harness, replace, letGo } = await runAuthorizationServer(config, app, { ...dependencies, provokable });
  const control = provokable ? await runControlApi(config, harness, dependencies) : undefined;
  if (control) console.log(`control API on port ${control.port}`);
  return {
    port: app.port,
    drain: app.drain,
    replace,
    async stop() {
      letGo();
      await Promise.all([control?.stop(), app.stop()]);
    },
  };
}

/** A role that can take another configuration while it runs. @see RunningGateway.replace */
interface Reloadable extends Listening {
  replace(config: Config): Promise<void>;
}

async function serveSampleApi(config: Config, tls: Tls | undefined): Promise<Reloadable> {
  const app = await openApp(config, 'sampleApi', tls);
  runSampleApi(config, app, { tls });
  return {
    ...app,
    async replace(changed) {
      refuseFixed('the sample API', config, changed, SAMPLE_API_FIXED);
      runSampleApi(changed, app, { tls });
    },
  };
}

/** What of the configuration the sample API only reads when it starts. */
const SAMPLE_API_FIXED = ['host', 'tls', 'features', 'sampleApi'] as const;

interface Serving {
  readonly tls?: Tls | undefined;
  /** Milliseconds for which it goes on serving after SIGTERM. */
  readonly drainDelay: number;
}

async function serveUntilStopped(
  name: string,
  { port, drain, stop }: Listening,
  { tls, drainDelay }: Serving,
): Promise<number> {
  const stopped = untilStopped(
    async (signal) => {
      if (signal === 'SIGTERM' && drainDelay > 0) {
        drain?.();
        console.log(`not ready any more; serving for ${drainDelay} ms until load balancers have noticed`);
        await sleep(drainDelay);
      }
      await stop();
    },
    ['SIGINT', 'SIGTERM'],
  );
  console.log(`${name} listening on port ${port}`);
  if (tls?.server) console.log(`HTTPS, certificate SHA-256 ${tls.server.fingerprint}`);
  if (tls?.server && tls.caFile !== undefined) console.log(`trust it with ${trustHint(tls.caFile)}`);
  await stopped;
  return 0;
}
