import cluster from 'node:cluster';
import { createMetrics } from '@tallystick/gateway';
import { createClock } from '../clock/create_clock.ts';
import { loadConfig } from '../config/load_config.ts';
import type { Config } from '../config/schema.ts';
import type { Listening } from '../listen.ts';
import { createLog } from '../log.ts';
import { openStore } from '../open_store.ts';
import { openApp, type RoleDependencies, runGateway, runSampleApi } from '../roles.ts';
import { type AuthorizationServerRole, runAuthorizationServer } from '../run_authorization_server.ts';
import { runControlApi } from '../run_control_api.ts';
import { type Tls, tlsOf } from '../tls/tls.ts';
import { createSharedMetrics } from '../workers/shared_metrics.ts';
import { trustHint } from './trust_hint.ts';
import { untilStopped } from './until_stopped.ts';
import { untilStoreAnswers } from './until_store_answers.ts';

/** One role in this process, until it is stopped. */
export async function role(
  name: 'authorization-server' | 'gateway' | 'sample-api',
  configFile: string,
): Promise<number> {
  const config = await loadConfig(configFile, process.env);
  const log = createLog(config.log.level);
  const tls = await tlsOf(config);
  if (name === 'sample-api') {
    const app = await openApp(config, 'sampleApi', tls);
    runSampleApi(config, app, { tls });
    return serveUntilStopped(name, app, tls);
  }
  const clock = createClock({ movable: config.store.url === 'memory:' });
  const store = await openStore(config, clock.now);
  try {
    if (name === 'gateway') return await serveGateway(configFile, config, { store, log, tls });
    await untilStoreAnswers(store);
    return await serveUntilStopped(name, await startAuthorizationServer(config, { store, log, tls, clock }), tls);
  } finally {
    await store.close();
  }
}

/** The gateway takes its configuration file again on SIGHUP; if it cannot be used, it goes on with what it has. */
async function serveGateway(configFile: string, config: Config, dependencies: RoleDependencies): Promise<number> {
  const metrics = cluster.isWorker ? createSharedMetrics() : createMetrics();
  const starting = runGateway(config, { ...dependencies, metrics });
  // Before it listens: from then on it may be told, and without a listener the signal would end it.
  process.on('SIGHUP', async () => {
    try {
      await (await starting).replace(await loadConfig(configFile, process.env));
      console.log('the configuration was read again');
    } catch (error) {
      console.error(`tallystick: the configuration stays as it was: ${(error as Error).message}`);
    }
  });
  const gateway = await starting;
  if (gateway.operationsPort !== undefined) console.log(`operations on port ${gateway.operationsPort}`);
  const code = await serveUntilStopped('gateway', gateway, dependencies.tls);
  cluster.worker?.disconnect(); // Otherwise what it hears from the process above would keep it alive.
  return code;
}

/** The authorization server, and the control API of this process if it is enabled. */
async function startAuthorizationServer(
  config: Config,
  dependencies: Omit<AuthorizationServerRole, 'provokable'>,
): Promise<Listening> {
  const app = await openApp(config, 'authorizationServer', dependencies.tls);
  const provokable = config.controlApi.enabled;
  const { harness, letGo } = await runAuthorizationServer(config, app, { ...dependencies, provokable });
  const control = provokable ? await runControlApi(config, harness, dependencies) : undefined;
  if (control) console.log(`control API on port ${control.port}`);
  return {
    port: app.port,
    async stop() {
      letGo();
      await Promise.all([control?.stop(), app.stop()]);
    },
  };
}

async function serveUntilStopped(
  name: string,
  { port, stop }: Listening,
  { server, caFile }: Partial<Tls> = {},
): Promise<number> {
  const stopped = untilStopped(stop);
  console.log(`${name} listening on port ${port}`);
  if (server) console.log(`HTTPS, certificate SHA-256 ${server.fingerprint}`);
  if (server && caFile !== undefined) console.log(`trust it with ${trustHint(caFile)}`);
  await stopped;
  return 0;
}
