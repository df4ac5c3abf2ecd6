import { Redis } from 'ioredis';
import type { Backend, Write } from './backend.ts';
import { StoreUnavailableError } from './errors.ts';
import { createRedisFeed } from './redis_feed.ts';

export interface RedisBackendOptions {
  /** `redis://` or `rediss://`. */
  readonly url: string;
  /** Begins every key and the feed's channel. */
  readonly prefix: string;
  /** Milliseconds that a command may take before the store counts as unavailable. */
  readonly commandTimeout: number;
}

/** HSETNX alone would bring back a record that expired a moment ago, and without an expiry. */
const CONSUME_IF_PRESENT = `if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HSETNX', KEYS[1], 'consumed', ARGV[1])
end
return 0`;

/** Keeps everything in one Redis (7.0 or newer). */
export function createRedisBackend({ url, prefix, commandTimeout }: RedisBackendOptions): Backend {
  const redis = new Redis(url, {
    // RESP2: the feed and the client speak one protocol, and client-side caching can be added without losing its pushes.
    protocol: 2,
    commandTimeout,
    connectTimeout: commandTimeout,
    // Fail at once when Redis is away: a caller that waits is worse off than one that is told.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // A write whose answer never came was answered with an error; sending it again would issue a token nobody asked for.
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 5), 1000),
  });
  redis.on('error', () => {}); // Every command reports its own failure; without a listener ioredis prints to the console.
  const feed = createRedisFeed(redis, `${prefix}revoked`, commandTimeout);

  /** Runs one operation. A connection that is only being made is waited for, once it was lost it is not. */
  async function run<T>(operation: () => Promise<T>): Promise<T> {
    try {
      await untilConnectionAttempted(redis, commandTimeout);
      return await operation();
    } catch (cause) {
      if (cause instanceof StoreUnavailableError) throw cause;
      throw new StoreUnavailableError(`Redis did not acknowledge: ${reasonOf(cause)}`, {
        cause: new Error(reasonOf(cause)),
      });
    }
  }

  async function transact(batch: readonly Write[], readBack?: string): Promise<string | undefined> {
    const transaction = redis.multi();
    for (const write of batch) {
      switch (write.do) {
        case 'put':
          transaction.set(prefix + write.key, write.value, 'EX', write.expiresIn);
          break;
        case 'putRecord':
          transaction.hset(prefix + write.key, 'value', write.value).expire(prefix + write.key, write.expiresIn);
          break;
        case 'addMember': {
          const key = prefix + write.key;
          const now = Math.floor(Date.now() / 1000);
          transaction.zremrangebyscore(key, '-inf', now).zadd(key, now + write.expiresIn, write.member);
          transaction.expire(key, write.expiresIn, 'NX').expire(key, write.expiresIn, 'GT');
          break;
        }
        case 'delete':
          transaction.del(prefix + write.key);
          break;
        case 'publish':
          transaction.publish(`${prefix}revoked`, write.message);
      }
    }
    if (readBack !== undefined) transaction.get(prefix + readBack);
    const results = await transaction.exec();
    if (results === null) throw new StoreUnavailableError('Redis discarded the transaction');
    for (const [error] of results) if (error) throw error;
    const last = results.at(-1)?.[1];
    return readBack !== undefined && typeof last === 'string' ? last : undefined;
  }

  return {
    write: (batch, readBack) => run(() => transact(batch, readBack)),
    get: (key) => run(async () => (await redis.get(prefix + key)) ?? undefined),
    getRecord: (key) =>
      run(async () => {
        const [value, consumed] = await redis.hmget(prefix + key, 'value', 'consumed');
        if (typeof value !== 'string') return undefined;
        return typeof consumed === 'string' ? { value, consumed: Number(consumed) } : { value };
      }),
    consumeRecord: (key, at) => run(async () => (await redis.eval(CONSUME_IF_PRESENT, 1, prefix + key, at)) === 1),
    members: (key) => run(() => redis.zrangebyscore(prefix + key, Math.floor(Date.now() / 1000), '+inf')),
    keepFirst: (key, value) =>
      run(async () => {
        await redis.setnx(prefix + key, value);
        return (await redis.get(prefix + key)) ?? value;
      }),
    clear: (kept) =>
      run(async () => {
        const ours = { match: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`, count: 1000 };
        for await (const keys of redis.scanStream(ours) as AsyncIterable<string[]>) {
          const doomed = keys.filter((key) => !key.startsWith(prefix + kept));
          if (doomed.length > 0) await redis.unlink(doomed);
        }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    ping: () => run(async () => void (await redis.ping())),
    async close() {
      feed.close();
      redis.disconnect();
    },
  };
}

/** Resolves once the first connection is ready or has failed; at once when that is past. */
async function untilConnectionAttempted(redis: Redis, timeout: number): Promise<void> {
  if (redis.status !== 'connecting' && redis.status !== 'connect') return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, timeout);
    function done() {
      clearTimeout(timer);
      redis.off('ready', done).off('close', done);
      resolve();
    }
    redis.once('ready', done).once('close', done);
  });
}

/** ioredis puts the failed command, arguments and all, on the errors it throws: take the message only. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown error';
}
