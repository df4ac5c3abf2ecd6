import { Redis } from 'ioredis';
import type { Backend, Condition, Write } from './backend.ts';
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

/** Carries out a batch if all conditions hold; returns 0, or which condition did not (from 1). */
const WRITE_IF = `local request = cjson.decode(ARGV[1])
for index, condition in ipairs(request.conditions) do
  if condition['if'] == 'below' then
    local value = redis.call('GET', condition.key)
    if value and tonumber(value) >= condition.than then return index end
  elseif condition['if'] == 'exists' then
    if redis.call('EXISTS', condition.key) == 0 then return index end
  elseif redis.call('EXISTS', condition.key) == 0 or redis.call('HEXISTS', condition.key, 'consumed') == 1 then
    return index
  end
end
for _, condition in ipairs(request.conditions) do
  if condition['if'] == 'consumable' then redis.call('HSET', condition.key, 'consumed', condition.at) end
end
for _, command in ipairs(request.commands) do redis.call(unpack(command)) end
return 0`;

const REPLACE_IF_EXPECTED = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  return 1
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

  /** The Redis commands that a step of a batch stands for. */
  function commandsOf(write: Write): string[][] {
    switch (write.do) {
      case 'put':
        return [['set', prefix + write.key, write.value, 'EX', String(write.expiresIn)]];
      case 'putRecord': {
        const key = prefix + write.key;
        return [
          ['hset', key, 'value', write.value],
          ['expire', key, String(write.expiresIn)],
        ];
      }
      case 'addMember': {
        const key = prefix + write.key;
        const now = Math.floor(Date.now() / 1000);
        const life = String(write.expiresIn);
        return [
          ['zremrangebyscore', key, '-inf', String(now)],
          ['zadd', key, String(now + write.expiresIn), write.member],
          ['expire', key, life, 'NX'],
          ['expire', key, life, 'GT'],
        ];
      }
      case 'delete':
        return [['del', prefix + write.key]];
      case 'publish':
        return [['publish', `${prefix}revoked`, write.message]];
    }
  }

  async function transact(batch: readonly Write[]): Promise<void> {
    const results = await redis.multi(batch.flatMap(commandsOf)).exec();
    if (results === null) throw new StoreUnavailableError('Redis discarded the transaction');
    for (const [error] of results) if (error) throw error;
  }

  /** A transaction cannot look before it writes, so this is a script. */
  async function writeIf(batch: readonly Write[], conditions: readonly Condition[]): Promise<Condition | undefined> {
    const prefixed = conditions.map((condition) => ({ ...condition, key: prefix + condition.key }));
    const commands = batch.flatMap(commandsOf);
    const keys = new Set([...prefixed.map(({ key }) => key), ...commands.map(([, key]) => String(key))]);
    const request = JSON.stringify({ conditions: prefixed, commands });
    const failed = await redis.eval(WRITE_IF, keys.size, ...keys, request);
    return conditions[Number(failed) - 1];
  }

  return {
    write: (batch, conditions = []) =>
      run(async () => (conditions.length > 0 ? writeIf(batch, conditions) : void (await transact(batch)))),
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
        for await (const keys of redis.scanStream(ours) as AsyncIterable<string[]>) {
          const doomed = keys.filter((key) => !keeps(key.slice(prefix.length)));
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
