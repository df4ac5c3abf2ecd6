import cluster from 'node:cluster';
import { ConfigError } from '../config/config_error.ts';
import { type ConfigSource, readConfig, sourceName } from '../config/config_source.ts';
import { runRole } from './role.ts';
import { UsageError } from './usage.ts';

/** `tallystick gateway`: one process, or several that share a port. @param workers number of processes */
export async function gateway(source: ConfigSource, workers: string): Promise<number> {
  if (!/^[1-9]\d?$/.test(workers))
    throw new UsageError(`--workers: expected 1 to 99; found ${JSON.stringify(workers)}`, 'gateway');
  if (workers === '1' || cluster.isWorker) return runRole('gateway', source);
  const { store, gateway } = await readConfig(source, process.env, 'gateway');
  if (store.url === 'memory:') {
    throw new ConfigError(sourceName(source), [
      'store.url: expected a Redis, because several workers must share the store; found "memory:"',
    ]);
  }
  if (gateway.dpop.replay === 'memory') {
    // If each worker had its own memory, each would accept the same proof once.
    throw new ConfigError(sourceName(source), [
      'gateway.dpop.replay: expected "store", because several workers must share it; found "memory"',
    ]);
  }
  return (await import('../workers/run_workers.ts')).runWorkers(Number(workers));
}
