import cluster, { type Worker } from 'node:cluster';
import { createMetrics, exposeTogether, type Metrics, type MetricsSnapshot } from '@tallystick/gateway';

/** Milliseconds in which a worker must send its metrics. A worker that is too busy is left out. */
const SNAPSHOT_TIMEOUT = 2_000;

/** Messages between a worker and the primary process. */
type Message =
  | { readonly metrics: 'all requested'; readonly id: number }
  | { readonly metrics: 'own requested'; readonly id: number }
  | { readonly metrics: 'own'; readonly id: number; readonly snapshot: MetricsSnapshot }
  | { readonly metrics: 'all'; readonly id: number; readonly snapshots: readonly MetricsSnapshot[] };

/** Metrics of a worker. A scrape reaches any worker, so each exposes the metrics of all of them. */
export function createSharedMetrics(): Metrics {
  const own = createMetrics();
  const waiting = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>();
  let lastId = 0;

  process.on('message', async (message: Message) => {
    if (message.metrics === 'own requested') {
      send({ metrics: 'own', id: message.id, snapshot: await own.snapshot() });
    } else if (message.metrics === 'all') {
      waiting.get(message.id)?.(message.snapshots);
      waiting.delete(message.id);
    }
  });

  return {
    ...own,
    async expose() {
      lastId += 1;
      const id = lastId;
      const all = new Promise<readonly MetricsSnapshot[]>((resolve) => waiting.set(id, resolve));
      send({ metrics: 'all requested', id });
      return exposeTogether(await all);
    },
  };

  function send(message: Message): void {
    process.send?.(message);
  }
}

/** In the primary process: collects the metrics of all workers when one of them asks. */
export function answerMetrics(): void {
  let lastId = 0;
  const waiting = new Map<number, (snapshot: MetricsSnapshot) => void>();

  function ask(worker: Worker): Promise<MetricsSnapshot | undefined> {
    lastId += 1;
    const id = lastId;
    return new Promise((resolve) => {
      const timer = setTimeout(finish, SNAPSHOT_TIMEOUT);
      function finish(snapshot?: MetricsSnapshot) {
        clearTimeout(timer);
        waiting.delete(id);
        resolve(snapshot);
      }
      waiting.set(id, finish);
      worker.send({ metrics: 'own requested', id } satisfies Message, (error) => error && finish());
    });
  }

  cluster.on('message', async (worker, message: Message) => {
    if (message.metrics === 'own') waiting.get(message.id)?.(message.snapshot);
    if (message.metrics !== 'all requested') return;
    const workers = Object.values(cluster.workers ?? {}).filter((other) => other !== undefined);
    const snapshots = (await Promise.all(workers.map(ask))).filter((snapshot) => snapshot !== undefined);
    if (worker.isConnected()) worker.send({ metrics: 'all', id: message.id, snapshots } satisfies Message);
  });
}
