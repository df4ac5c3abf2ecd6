import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { answerMetrics } from './shared_metrics.ts';

/** Milliseconds. A worker that exits sooner would probably exit again, so it is not replaced. */
const MINIMUM_LIFETIME = 2_000;

/**
 * Runs this program in several processes that share their ports, until they are stopped. A worker that exits is replaced.
 * SIGTERM and SIGHUP are forwarded; the terminal sends Ctrl-C to every process.
 *
 * @returns the exit code: 0 if every worker was stopped by a signal
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
      if (performance.now() - startedAt < MINIMUM_LIFETIME) {
        exitCode = code || 1;
        stop('SIGTERM');
        return;
      }
      console.error(`tallystick: worker ${worker.process.pid} exited with code ${code}; starting a replacement`);
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
  // A worker that does not listen yet has no signal handler, and reads the current configuration anyway.
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
