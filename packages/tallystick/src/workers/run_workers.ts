import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { answerMetrics } from './shared_metrics.ts';

/** Milliseconds: a worker that ends sooner will end again, and is not replaced. */
const TOO_SOON = 2_000;

/**
 * Runs this program again as several processes that share their ports, until they are stopped. One that ends is replaced.
 * SIGTERM and SIGHUP are passed on; Ctrl-C reaches them all by itself.
 *
 * @returns the exit code: 0 when all ended because they were asked to
 */
export async function runWorkers(count: number): Promise<number> {
  let isStopping = false;
  let exitCode = 0;
  answerMetrics();

  function start(): void {
    const startedAt = performance.now();
    const worker = cluster.fork();
    worker.once('exit', (code) => {
      if (isStopping) return;
      if (performance.now() - startedAt < TOO_SOON) {
        exitCode = code || 1;
        stop('SIGTERM');
        return;
      }
      console.error(`tallystick: worker ${worker.process.pid} ended with ${code}; another one takes its place`);
      start();
    });
  }

  function stop(signal: NodeJS.Signals): void {
    isStopping = true;
    for (const worker of workers()) worker.process.kill(signal);
  }

  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => {
    isStopping = true;
  });
  // One that does not listen yet reads the configuration as it is now, and would not bear the signal.
  const listening = new WeakSet<Worker>();
  cluster.on('listening', (worker) => listening.add(worker));
  process.on('SIGHUP', () => {
    for (const worker of workers()) if (listening.has(worker)) worker.process.kill('SIGHUP');
  });
  for (let index = 0; index < count; index += 1) start();
  while (workers().length > 0) await once(cluster, 'exit');
  return exitCode;
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
