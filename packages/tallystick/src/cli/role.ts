import { openTokenStore } from '@tallystick/token-store';
import { loadConfig } from '../config/load_config.ts';
import type { Listening } from '../listen.ts';
import { createLog } from '../log.ts';
import { openApp, runAuthorizationServer, runGateway, runSampleApi } from '../roles.ts';
import { type Tls, tlsOf } from '../tls/tls.ts';
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
  const store = await openTokenStore(config.store);
  try {
    if (name === 'gateway') return await serveUntilStopped(name, await runGateway(config, { store, log, tls }), tls);
    await untilStoreAnswers(store);
    const app = await openApp(config, 'authorizationServer', tls);
    await runAuthorizationServer(config, app, { store, log, tls });
    return await serveUntilStopped(name, app, tls);
  } finally {
    await store.close();
  }
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
