import { Cluster } from 'ioredis';
import { type Backend, changeOf } from '../backend.ts';
import { StoreUnavailableError } from '../errors.ts';
import { type ConnectionOptions, connectRedis, type RedisClient } from './connections.ts';
import { createRedisFeed } from './feed.ts';
import { type Guard, guard } from './guard.ts';
import { type ConnectionName, createRedisHealth, type StoreLog } from './health.ts';
import { problemOf, type RedisProblem } from './problem.ts';
import type { NeededRights, StoreUse } from './rights.ts';
import { toRedis, writeAtOnce } from './write.ts';
import { writeBySlot } from './write_by_slot.ts';

export interface RedisBackendOptions extends ConnectionOptions {
  /** Begins every key and the feed's channel. */
  readonly prefix: string;
  /** How many replicas must have a write before it counts. */
  readonly waitForReplicas: number;
  /** Milliseconds that replicas may be behind, if they are to be read from. */
  readonly maxReplicaLag: number | undefined;
  /** What the store is opened for, and so what the user must be allowed to do. */
  readonly uses: readonly StoreUse[];
  readonly log: StoreLog | undefined;
}

const REPLACE_IF_EXPECTED = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
  return 1
end
return 0`;

/** Keeps everything in Redis (7.0 or newer): one server, what Sentinels watch over, or a Cluster. */
export function createRedisBackend(options: RedisBackendOptions): Backend {
  const { prefix, commandTimeout, location, maxReplicaLag, uses } = options;
  const isCluster = location.kind === 'cluster';
  const channel = `${prefix}revoked`;
  const health = createRedisHealth(options.log);
  const rights: NeededRights = {
    uses,
    prefix,
    channel,
    waits: options.waitForReplicas > 0,
    asksInfo: asksInfo(options),
    needsInfo: location.kind === 'sentinel',
  };
  const open = (name: ConnectionName, needed: NeededRights, to?: 'replicas') => {
    const opened = connectRedis(options, to);
    const report = (problem: RedisProblem | undefined) => health.report(name, problem);
    return {
      ...opened,
      guard: guard(opened, { rights: needed, patience: commandTimeout, report, found: health.found }),
    };
  };
  const connections = open('reading', { ...rights, waits: false });
  const redis = connections.client;
  // While a connection waits for replicas, nothing else is answered over it: reads do not share it.
  const writing = rights.waits ? open('writing', rights) : connections;
  const readsSplitEntries: NeededRights = { ...rights, uses: ['split entries'], waits: false };
  const replicas = maxReplicaLag === undefined ? undefined : open('replicas', readsSplitEntries, 'replicas');
  const feed = createRedisFeed(connections, channel, (problem) => health.report('feed', problem));

  /** Runs one operation over a connection that may be used. */
  async function run<T>(operation: () => Promise<T>, over: { readonly guard: Guard } = connections): Promise<T> {
    try {
      if (!over.guard.isUsable()) await over.guard.untilUsable();
      const feedProblem = health.feedProblem();
      if (feedProblem) throw feedProblem;
      return await operation();
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      const problem = problemOf(error);
      if (problem.code === 'no-rights') over.guard.suspect();
      throw unavailable(problem);
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
      }, writing),
    get: (key) => run(async () => (await redis.get(prefix + key)) ?? undefined),
    ...(replicas !== undefined &&
      maxReplicaLag !== undefined && {
        getFromReplica: {
          get: (key: string) =>
            run(async () => (await replicas.client.get(prefix + key)) ?? undefined, replicas).catch(() => undefined),
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
        await safely(prefix + key, () => writing.client.set(prefix + key, value, 'NX'));
        return (await writing.client.get(prefix + key)) ?? value;
      }, writing),
    replaceKept: (key, expected, value) =>
      run(async () => {
        const announcement = [channel, changeOf(key)] as const;
        const replace = () =>
          writing.client.eval(REPLACE_IF_EXPECTED, 1, prefix + key, expected, value, ...announcement);
        return (await safely(prefix + key, replace)) === 1;
      }, writing),
    clear: (matches) =>
      run(async () => {
        const underPrefix = { match: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`, count: 1000 };
        for (const master of connections.masters()) {
          for await (const keys of master.scanStream(underPrefix) as AsyncIterable<string[]>) {
            const doomed = keys.filter((key) => matches(key.slice(prefix.length)));
            await Promise.all(doomed.map((key) => redis.unlink(key))); // One by one: they may lie in different slots.
          }
        }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    ping: () =>
      run(async () => {
        await Promise.all([...new Set([connections, writing])].map((each) => each.guard.check()));
      }),
    mayEvict: health.mayEvict,
    warnings: health.warnings,
    async close() {
      feed.close();
      for (const each of new Set([connections, writing, replicas])) {
        each?.guard.close();
        each?.close();
      }
    },
  };
}

/**
 * A user that was made for this may not ask, and Redis logs each refusal; only one that authorization servers need may
 * (docs/how-to/redis.md). Without a user nothing is restricted.
 */
function asksInfo({ location, uses }: Pick<RedisBackendOptions, 'location' | 'uses'>): boolean {
  return location.username === undefined || uses.includes('records');
}

/** ioredis puts the failed command, arguments and all, on the errors it throws: the message only is taken. */
function unavailable(problem: RedisProblem): StoreUnavailableError {
  const detail = problem.cause === undefined ? '' : ` (${problem.cause})`;
  return new StoreUnavailableError(`Redis did not acknowledge: ${problem.message}${detail}`, {
    cause: new Error(problem.message + detail),
    reason: problem.message,
  });
}

/**
 * Waits until replicas have what was last written over this client's connection.
 *
 * @param key what was written; in a Cluster it says where
 * @param replicas how many there must be
 * @param timeout milliseconds
 * @throws {Error} fewer have it in time. It stays written where it is
 */
async function waitForReplicas(redis: RedisClient, key: string, replicas: number, timeout: number) {
  const reached = redis instanceof Cluster ? waitAtOwner(redis, key, replicas, timeout) : redis.wait(replicas, timeout);
  if ((await reached) < replicas) throw new Error(`fewer than ${replicas} replicas have the write`);
}

/** A pipeline goes to the server of its first key, over the connection that the write went over. */
async function waitAtOwner(redis: Cluster, key: string, replicas: number, timeout: number): Promise<number> {
  // A pipeline does not follow a slot that has moved, but a command does, and the client learns where it is.
  await redis.exists(key);
  const results = await redis
    .pipeline([
      ['exists', key],
      ['wait', replicas, timeout],
    ])
    .exec();
  for (const [error] of results ?? []) if (error) throw error; // Among others: the slot is on its way elsewhere.
  return Number(results?.[1]?.[1]);
}
