import cluster, { type Worker } from 'node:cluster';
import { createMetrics, exposeTogether, type Metrics, type MetricsSnapshot } from '@tallystick/gateway';

/** Milliseconds that a worker has to say its values; one that is busy is left out. */
const PATIENCE = 2_000;

/** What a worker and the process above it say to each other. */
type Message =
  | { readonly metrics: 'wanted'; readonly id: number }
  | { readonly metrics: 'own wanted'; readonly id: number }
  | { readonly metrics: 'own'; readonly id: number; readonly snapshot: MetricsSnapshot }
  | { readonly metrics: 'all'; readonly id: number; readonly snapshots: readonly MetricsSnapshot[] };

/** Metrics of a worker, which are exposed together with those of the others: whoever asks reaches any one of them. */
export function createSharedMetrics(): Metrics {
  const own = createMetrics();
  const waiting = new Map<number, (snapshots: readonly MetricsSnapshot[]) => void>();
  let asked = 0;

  process.on('message', async (message: Message) => {
    if (message.metrics === 'own wanted') {
      send({ metrics: 'own', id: message.id, snapshot: await own.snapshot() });
    } else if (message.metrics === 'all') {
      waiting.get(message.id)?.(message.snapshots);
      waiting.delete(message.id);
    }
  });

  return {
    ...own,
    async expose() {
      asked += 1;
      const id = asked;
      const all = new Promise<readonly MetricsSnapshot[]>((resolve) => waiting.set(id, resolve));
      send({ metrics: 'wanted', id });
      return exposeTogether(await all);
    },
  };

  function send(message: Message): void {
    process.send?.(message);
  }
}

/** In the process above the workers: collects the values of all when one of them asks. */
export function answerMetrics(): void {
  let asked = 0;
  const waiting = new Map<number, (snapshot: MetricsSnapshot) => void>();

  function ask(worker: Worker): Promise<MetricsSnapshot | undefined> {
    asked += 1;
    const id = asked;
    return new Promise((resolve) => {
      const giveUp = setTimeout(answered, PATIENCE);
      function answered(snapshot?: MetricsSnapshot) {
        clearTimeout(giveUp);
        waiting.delete(id);
        resolve(snapshot);
      }
      waiting.set(id, answered);
      worker.send({ metrics: 'own wanted', id } satisfies Message, (error) => error && answered());
    });
  }

  cluster.on('message', async (worker, message: Message) => {
    if (message.metrics === 'own') waiting.get(message.id)?.(message.snapshot);
    if (message.metrics !== 'wanted') return;
    const workers = Object.values(cluster.workers ?? {}).filter((other) => other !== undefined);
    const snapshots = (await Promise.all(workers.map(ask))).filter((snapshot) => snapshot !== undefined);
    if (worker.isConnected()) worker.send({ metrics: 'all', id: message.id, snapshots } satisfies Message);
  });
}
