import { openTokenStore } from '@tallystick/token-store';
import { loadConfig } from '../config/load_config.ts';
import type { Listening } from '../listen.ts';
import { createLog } from '../log.ts';
import { openApp, runAuthorizationServer, runGateway, runSampleApi } from '../roles.ts';
import { untilStopped } from './until_stopped.ts';
import { untilStoreAnswers } from './until_store_answers.ts';

/** One role in this process, until it is stopped. */
export async function role(
  name: 'authorization-server' | 'gateway' | 'sample-api',
  configFile: string,
): Promise<number> {
  const config = await loadConfig(configFile, process.env);
  const log = createLog(config.log.level);
  if (name === 'sample-api') {
    const app = await openApp(config, 'sampleApi');
    runSampleApi(config, app);
    return serveUntilStopped(name, app);
  }
  const store = await openTokenStore(config.store);
  try {
    if (name === 'gateway') return await serveUntilStopped(name, await runGateway(config, { store, log }));
    await untilStoreAnswers(store);
    const app = await openApp(config, 'authorizationServer');
    await runAuthorizationServer(config, app, { store, log });
    return await serveUntilStopped(name, app);
  } finally {
    await store.close();
  }
}

async function serveUntilStopped(name: string, { port, stop }: Listening): Promise<number> {
  const stopped = untilStopped(stop);
  console.log(`${name} listening on port ${port}`);
  await stopped;
  return 0;
}
