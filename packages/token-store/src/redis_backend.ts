import { type Backend, changeOf } from './backend.ts';
import { StoreUnavailableError } from './errors.ts';
import { type ConnectionOptions, connectRedis, type RedisClient } from './redis_connections.ts';
import { createRedisFeed } from './redis_feed.ts';
import { waitForReplicas } from './redis_wait.ts';
import { toRedis, writeAtOnce } from './redis_write.ts';
import { writeBySlot } from './redis_write_by_slot.ts';

export interface RedisBackendOptions extends ConnectionOptions {
  /** Begins every key and the feed's channel. */
  readonly prefix: string;
  /** How many replicas must have a write before it counts. */
  readonly waitForReplicas: number;
  /** Milliseconds that replicas may be behind, if they are to be read from. */
  readonly maxReplicaLag: number | undefined;
}

const REPLACE_IF_EXPECTED = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
  return 1
end
return 0`;

/** Keeps everything in Redis (7.0 or newer): one server, what Sentinels watch over, or a Cluster. */
export function createRedisBackend(options: RedisBackendOptions): Backend {
  const { prefix, commandTimeout, location, maxReplicaLag } = options;
  const isCluster = location.kind === 'cluster';
  const connections = connectRedis(options);
  const redis = connections.client;
  // While a connection waits for replicas, nothing else is answered over it: reads do not share it.
  const writing = options.waitForReplicas > 0 ? connectRedis(options) : connections;
  const replicas = maxReplicaLag === undefined ? undefined : connectRedis(options, 'replicas');
  const channel = `${prefix}revoked`;
  const feed = createRedisFeed(connections, channel);

  /** Runs one operation. A connection that is only being made is waited for, once it was lost it is not. */
  async function run<T>(operation: () => Promise<T>, client = redis): Promise<T> {
    try {
      await untilConnectionAttempted(client, commandTimeout);
      if (client.status !== 'ready') throw new Error('not connected');
      return await operation();
    } catch (cause) {
      if (cause instanceof StoreUnavailableError) throw cause;
      throw new StoreUnavailableError(`Redis did not acknowledge: ${reasonOf(cause)}`, {
        cause: new Error(reasonOf(cause)),
      });
    }
  }

  /** Writes if enough replicas follow, so that nothing is used up in vain, and then waits until they have it. */
  async function safely<T>(key: string | undefined, write: () => Promise<T>): Promise<T> {
    if (writing === connections || key === undefined) return write();
    const wait = () => waitForReplicas(writing.client, key, options.waitForReplicas, commandTimeout / 2);
    await wait();
    const result = await write();
    await wait();
    return result;
  }

  return {
    writesAtOnce: isCluster ? 'what has one hash tag' : 'everything',
    write: (batch, conditions = []) =>
      run(async () => {
        const request = toRedis(batch, conditions, prefix, channel);
        const failed = await (isCluster ? writeBySlot : writeAtOnce)(writing.client, request, safely);
        return failed === undefined ? undefined : conditions[failed];
      }, writing.client),
    get: (key) => run(async () => (await redis.get(prefix + key)) ?? undefined),
    ...(replicas !== undefined &&
      maxReplicaLag !== undefined && {
        getFromReplica: {
          get: (key: string) =>
            run(async () => (await replicas.client.get(prefix + key)) ?? undefined, replicas.client).catch(
              () => undefined,
            ),
          maxLag: maxReplicaLag,
        },
      }),
    getRecord: (key) =>
      run(async () => {
        const [value, consumed] = await redis.hmget(prefix + key, 'value', 'consumed');
        if (typeof value !== 'string') return undefined;
        return typeof consumed === 'string' ? { value, consumed: Number(consumed) } : { value };
      }),
    members: (key) => run(() => redis.zrangebyscore(prefix + key, Math.floor(Date.now() / 1000), '+inf')),
    putIfAbsent: (key, value, expiresIn) =>
      run(async () => (await redis.set(prefix + key, value, 'EX', expiresIn, 'NX')) === 'OK'),
    keepFirst: (key, value) =>
      run(async () => {
        await safely(prefix + key, () => writing.client.setnx(prefix + key, value));
        return (await writing.client.get(prefix + key)) ?? value;
      }, writing.client),
    replaceKept: (key, expected, value) =>
      run(async () => {
        const announcement = [channel, changeOf(key)] as const;
        const replace = () =>
          writing.client.eval(REPLACE_IF_EXPECTED, 1, prefix + key, expected, value, ...announcement);
        return (await safely(prefix + key, replace)) === 1;
      }, writing.client),
    clear: (keeps) =>
      run(async () => {
        const ours = { match: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`, count: 1000 };
        for (const master of connections.masters()) {
          for await (const keys of master.scanStream(ours) as AsyncIterable<string[]>) {
            const doomed = keys.filter((key) => !keeps(key.slice(prefix.length)));
            await Promise.all(doomed.map((key) => redis.unlink(key))); // One by one: they may lie in different slots.
          }
        }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    ping: () => run(() => connections.check()),
    async close() {
      feed.close();
      for (const each of new Set([connections, writing, replicas])) each?.close();
    },
  };
}

/** Resolves once a connection that is being made is ready or has failed. */
async function untilConnectionAttempted(redis: RedisClient, timeout: number): Promise<void> {
  if (redis.status !== 'connecting' && redis.status !== 'connect') return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, timeout);
    function done() {
      clearTimeout(timer);
      redis.off('ready', done).off('close', done).off('error', done);
      resolve();
    }
    redis.once('ready', done).once('close', done).once('error', done);
  });
}

/** ioredis puts the failed command, arguments and all, on the errors it throws: take the message only. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
