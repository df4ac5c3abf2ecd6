import type { Backend } from './backend.ts';
import { StoreUnavailableError } from './errors.ts';
import { type ConnectionOptions, connectRedis, type RedisClient } from './redis_connections.ts';
import { createRedisFeed } from './redis_feed.ts';
import { toRedis, writeAtOnce } from './redis_write.ts';
import { writeBySlot } from './redis_write_by_slot.ts';

export interface RedisBackendOptions extends ConnectionOptions {
  /** Begins every key and the feed's channel. */
  readonly prefix: string;
}

const REPLACE_IF_EXPECTED = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  return 1
end
return 0`;

/** Keeps everything in Redis (7.0 or newer): one server, what Sentinels watch over, or a Cluster. */
export function createRedisBackend(options: RedisBackendOptions): Backend {
  const { prefix, commandTimeout, location } = options;
  const isCluster = location.kind === 'cluster';
  const connections = connectRedis(options);
  const redis = connections.client;
  const channel = `${prefix}revoked`;
  const feed = createRedisFeed(connections, channel);

  /** Runs one operation. A connection that is only being made is waited for, once it was lost it is not. */
  async function run<T>(operation: () => Promise<T>): Promise<T> {
    try {
      await untilConnectionAttempted(redis, commandTimeout);
      if (redis.status !== 'ready') throw new Error('not connected');
      return await operation();
    } catch (cause) {
      if (cause instanceof StoreUnavailableError) throw cause;
      throw new StoreUnavailableError(`Redis did not acknowledge: ${reasonOf(cause)}`, {
        cause: new Error(reasonOf(cause)),
      });
    }
  }

  return {
    writesAtOnce: isCluster ? 'what has one hash tag' : 'everything',
    write: (batch, conditions = []) =>
      run(async () => {
        const request = toRedis(batch, conditions, prefix, channel);
        const failed = await (isCluster ? writeBySlot : writeAtOnce)(redis, request);
        return failed === undefined ? undefined : conditions[failed];
      }),
    get: (key) => run(async () => (await redis.get(prefix + key)) ?? undefined),
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
        await redis.setnx(prefix + key, value);
        return (await redis.get(prefix + key)) ?? value;
      }),
    replaceKept: (key, expected, value) =>
      run(async () => (await redis.eval(REPLACE_IF_EXPECTED, 1, prefix + key, expected, value)) === 1),
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
      connections.close();
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
