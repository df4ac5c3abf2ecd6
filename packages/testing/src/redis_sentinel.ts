import { type RedisServer, startRedisServer } from './redis_server.ts';
import { until } from './until.ts';

export interface RedisSentinels {
  /** `redis+sentinel://…/mymaster` with the addresses of all Sentinels. */
  readonly url: string;
  /** The first one starts as the master. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];
  /** The server that the Sentinels report as the master. */
  master(): Promise<RedisServer>;
  stop(): Promise<void>;
}

/** Starts a real master with replicas, and three Sentinels that monitor them. */
export async function startRedisSentinels({ replicas: count = 1 } = {}): Promise<RedisSentinels> {
  const master = await startRedisServer();
  const startReplica = () => startRedisServer({ settings: [`replicaof 127.0.0.1 ${master.port}`] });
  const replicas = await Promise.all(Array.from({ length: count }, startReplica));
  const watch = [
    `sentinel monitor mymaster 127.0.0.1 ${master.port} 2`,
    'sentinel down-after-milliseconds mymaster 1000',
    'sentinel failover-timeout mymaster 3000',
  ];
  const startSentinel = () => startRedisServer({ sentinel: 'sentinel', settings: watch });
  const sentinels = await Promise.all([startSentinel(), startSentinel(), startSentinel()]);
  const servers = [master, ...replicas];
  const [first] = sentinels;
  await until(async () => {
    const states = await Promise.all(sentinels.map(({ admin }) => admin.info('sentinel')));
    return states.every((info) => info.includes(`slaves=${count},sentinels=3`));
  });
  await until(async () => {
    const links = await Promise.all(replicas.map(({ admin }) => admin.info('replication')));
    return links.every((info) => info.includes('master_link_status:up'));
  });
  return {
    url: `redis+sentinel://${sentinels.map(({ port }) => `127.0.0.1:${port}`).join()}/mymaster`,
    servers,
    sentinels,
    async master() {
      const [, port] = (await first.admin.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster')) as string[];
      const found = servers.find((server) => String(server.port) === port);
      if (found === undefined) throw new Error('the Sentinels report a master that this test did not start');
      return found;
    },
    stop: async () => void (await Promise.all([...sentinels, ...servers].map((server) => server.stop()))),
  };
}
