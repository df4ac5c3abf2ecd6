import cluster from 'node:cluster';
import { ConfigError } from '../config/config_error.ts';
import { loadConfig } from '../config/load_config.ts';
import { role } from './role.ts';
import { UsageError } from './usage_error.ts';

/** `tallystick gateway`: one process, or several that share its port. @param workers how many */
export async function gateway(configFile: string, workers: string): Promise<number> {
  if (!/^[1-9]\d?$/.test(workers))
    throw new UsageError(`--workers: expected 1 to 99, found ${JSON.stringify(workers)}`);
  if (workers === '1' || cluster.isWorker) return role('gateway', configFile);
  const { store, gateway } = await loadConfig(configFile, process.env, 'gateway');
  if (store.url === 'memory:') {
    throw new ConfigError(configFile, [
      'store.url: expected a Redis, which several workers can share, found "memory:"',
    ]);
  }
  if (gateway.dpop.replay === 'memory') {
    // Each would take a proof once, and nobody can tell which of them a client reaches.
    throw new ConfigError(configFile, [
      'gateway.dpop.replay: expected "store", which several workers can share, found "memory"',
    ]);
  }
  return (await import('../workers/run_workers.ts')).runWorkers(Number(workers));
}
