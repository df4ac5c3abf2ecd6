import { freePort } from './free_port.ts';
import { type RedisServer, startRedisServer } from './redis_server.ts';
import { until } from './until.ts';

const SLOTS = 16384;

export interface RedisCluster {
  /** `redis+cluster://…` with the addresses of all masters. */
  readonly url: string;
  readonly masters: readonly RedisServer[];
  /** One for each master, in the same order. Empty by default. */
  readonly replicas: readonly RedisServer[];
  /** Moves a slot to another master, key by key, as `redis-cli --cluster reshard` does. */
  moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a real Cluster of three masters. With one replica each, it survives the loss of one master. */
export async function startRedisCluster({ replicas: perMaster = 0 } = {}): Promise<RedisCluster> {
  const settings = ['cluster-enabled yes', 'cluster-node-timeout 1000', 'cluster-replica-validity-factor 0'];
  const start = async () => startRedisServer({ settings: [...settings, `cluster-port ${await freePort()}`] });
  const masters = await Promise.all([start(), start(), start()]);
  const replicas = await Promise.all(masters.slice(0, perMaster * 3).map(start));
  const all = [...masters, ...replicas];
  const [first] = masters;

  for (const [index, { admin }] of all.entries()) await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  await Promise.all(
    masters.map(({ admin }, index) => {
      const bound = (part: number) => Math.floor((SLOTS * part) / masters.length);
      return admin.call('CLUSTER', 'ADDSLOTSRANGE', String(bound(index)), String(bound(index + 1) - 1));
    }),
  );
  const busPort = async ({ admin }: RedisServer) =>
    String(((await admin.config('GET', 'cluster-port')) as string[])[1]);
  for (const server of all.slice(1)) {
    await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', String(server.port), await busPort(server));
  }
  const idOf = async ({ admin }: RedisServer) => String(await admin.call('CLUSTER', 'MYID'));
  for (const [index, replica] of replicas.entries()) {
    const master = await idOf(masters[index] as RedisServer);
    await until(async () => String(await replica.admin.call('CLUSTER', 'NODES')).includes(master));
    await replica.admin.call('CLUSTER', 'REPLICATE', master);
  }
  const isUp = async ({ admin }: RedisServer) => {
    const info = String(await admin.call('CLUSTER', 'INFO'));
    return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${all.length}`);
  };
  await until(async () => (await Promise.all(all.map(isUp))).every(Boolean));
  await until(async () => {
    const links = await Promise.all(replicas.map(({ admin }) => admin.info('replication')));
    return links.every((info) => info.includes('master_link_status:up'));
  });

  const ownerAt = async ({ admin }: RedisServer, slot: number) => {
    const ranges = (await admin.call('CLUSTER', 'SLOTS')) as [number, number, [string, number]][];
    return ranges.find(([start, end]) => start <= slot && slot <= end)?.[2][1];
  };

  return {
    url: `redis+cluster://${masters.map(({ port }) => `127.0.0.1:${port}`).join()}`,
    masters,
    replicas,
    async moveSlot(slot, from, to) {
      const [source, target] = [await idOf(from), await idOf(to)];
      const set = (server: RedisServer, ...words: string[]) =>
        server.admin.call('CLUSTER', 'SETSLOT', String(slot), ...words);
      await set(to, 'IMPORTING', source);
      await set(from, 'MIGRATING', target);
      for (;;) {
        const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', String(slot), '10')) as string[];
        if (keys.length === 0) break;
        await from.admin.call('MIGRATE', '127.0.0.1', String(to.port), '', '0', '1000', 'KEYS', ...keys);
      }
      await set(to, 'NODE', target);
      await set(from, 'NODE', target);
      for (const other of masters) if (other !== from && other !== to) await set(other, 'NODE', target);
      // Gossip tells the replicas. A replica that misses the change before the next slot moves may never learn it.
      await until(async () =>
        (await Promise.all(all.map((server) => ownerAt(server, slot)))).every((port) => port === to.port),
      );
    },
    stop: async () => void (await Promise.all(all.map((server) => server.stop()))),
  };
}
