import { Cluster } from 'ioredis';
import { type Backend, changeOf } from '../backend.ts';
import { StoreUnavailableError } from '../errors.ts';
import { type ConnectionOptions, connectRedis, type RedisClient } from './connections.ts';
import { RedisFeed } from './feed.ts';
import { Guard } from './guard.ts';
import { type ConnectionName, createRedisHealth, type StoreLog } from './health.ts';
import { problemOf, type RedisProblem } from './problem.ts';
import type { NeededRights, StoreUse } from './rights.ts';
import { toRedis, writeAtOnce } from './write.ts';
import { writeBySlot } from './write_by_slot.ts';

export interface RedisBackendOptions extends ConnectionOptions {
  /** Prefix of every key and of the feed's channel. */
  readonly prefix: string;
  /** Number of replicas that must acknowledge a write. */
  readonly waitForReplicas: number;
  /** Maximum replication lag in milliseconds; undefined if replicas are not read. */
  readonly maxReplicaLag: number | undefined;
  /** Operations for which the store is opened. */
  readonly uses: readonly StoreUse[];
  readonly log: StoreLog | undefined;
}

const REPLACE_IF_EXPECTED = `if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('PUBLISH', ARGV[3], ARGV[4])
  return 1
end
return 0`;

/** A backend in Redis (7.0 or newer): one server, Sentinel or a Cluster. */
export function createRedisBackend(options: RedisBackendOptions): Backend {
  const { prefix } = options;
  const redis = openRedis(options);
  const { reading, writing, replicas, feed, health, run } = redis;
  return {
    ...createReads(redis, options),
    ...createWrites(redis, options),
    clear: (matches) =>
      run(async () => {
        const ownKeys = { match: `${prefix.replace(/[\\*?[\]]/g, '\\$&')}*`, count: 1000 };
        for (const master of reading.masters()) {
          for await (const keys of master.scanStream(ownKeys) as AsyncIterable<string[]>) {
            const matching = keys.filter((key) => matches(key.slice(prefix.length)));
            // One by one, because the keys may be in different slots.
            await Promise.all(matching.map((key) => reading.client.unlink(key)));
          }
        }
      }),
    subscribe: (listener) => feed.subscribe(listener),
    ping: () =>
      run(async () => {
        await Promise.all([...new Set([reading, writing])].map((each) => each.guard.check()));
      }),
    mayEvict: health.mayEvict,
    warnings: health.warnings,
    async close() {
      feed.close();
      for (const each of new Set([reading, writing, replicas])) {
        each?.guard.close();
        each?.close();
      }
    },
  };
}

type OpenRedis = ReturnType<typeof openRedis>;

/** Opens the connections of a store. */
function openRedis(options: RedisBackendOptions) {
  const { prefix, commandTimeout, location, maxReplicaLag, uses } = options;
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
      guard: new Guard(opened, { rights: needed, timeout: commandTimeout, report, found: health.found }),
    };
  };
  const reading = open('reading', { ...rights, waits: false });
  // A connection that waits for replicas answers nothing else, so reads do not share it.
  const writing = rights.waits ? open('writing', rights) : reading;
  const splitEntryRights: NeededRights = { ...rights, uses: ['split entries'], waits: false };
  const replicas = maxReplicaLag === undefined ? undefined : open('replicas', splitEntryRights, 'replicas');
  const feed = new RedisFeed(reading, channel, (problem) => health.report('feed', problem));

  /** Runs an operation when its connection can be used. */
  async function run<T>(operation: () => Promise<T>, connection: { readonly guard: Guard } = reading): Promise<T> {
    try {
      if (!connection.guard.isUsable()) await connection.guard.untilUsable();
      const feedProblem = health.feedProblem();
      if (feedProblem) throw feedProblem;
      return await operation();
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw error;
      const problem = problemOf(error);
      if (problem.code === 'no-rights') connection.guard.suspect();
      throw unavailable(problem);
    }
  }

  return { reading, writing, replicas, feed, health, channel, run };
}

function createReads(
  { reading, replicas, run }: OpenRedis,
  { prefix, maxReplicaLag }: RedisBackendOptions,
): Pick<Backend, 'get' | 'getFromReplica' | 'getRecord' | 'members'> {
  const { client } = reading;
  return {
    get: (key) => run(async () => (await client.get(prefix + key)) ?? undefined),
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
        const [value, consumed] = await client.hmget(prefix + key, 'value', 'consumed');
        if (typeof value !== 'string') return undefined;
        return typeof consumed === 'string' ? { value, consumed: Number(consumed) } : { value };
      }),
    members: (key) => run(() => client.zrangebyscore(prefix + key, Math.floor(Date.now() / 1000), '+inf')),
  };
}

function createWrites(
  { reading, writing, channel, run }: OpenRedis,
  { prefix, location, commandTimeout, waitForReplicas: replicas }: RedisBackendOptions,
): Pick<Backend, 'atomicWrites' | 'write' | 'putIfAbsent' | 'getOrPut' | 'compareAndSet'> {
  const isCluster = location.kind === 'cluster';

  /** Writes if enough replicas follow, so that nothing is consumed in vain, and waits until they have the write. */
  async function replicated<T>(key: string | undefined, write: () => Promise<T>): Promise<T> {
    if (writing === reading || key === undefined) return write();
    const wait = () => waitForReplicas(writing.client, key, replicas, commandTimeout / 2);
    await wait();
    const result = await write();
    await wait();
    return result;
  }

  return {
    atomicWrites: isCluster ? 'one hash tag' : 'all keys',
    write: (batch, conditions = []) =>
      run(async () => {
        const request = toRedis(batch, conditions, prefix, channel);
        const failed = await (isCluster ? writeBySlot : writeAtOnce)(writing.client, request, replicated);
        return failed === undefined ? undefined : conditions[failed];
      }, writing),
    putIfAbsent: (key, value, expiresIn) =>
      run(async () => (await reading.client.set(prefix + key, value, 'EX', expiresIn, 'NX')) === 'OK'),
    getOrPut: (key, value) =>
      run(async () => {
        await replicated(prefix + key, () => writing.client.set(prefix + key, value, 'NX'));
        return (await writing.client.get(prefix + key)) ?? value;
      }, writing),
    compareAndSet: (key, expected, value) =>
      run(async () => {
        const change = [channel, changeOf(key)] as const;
        const replace = () => writing.client.eval(REPLACE_IF_EXPECTED, 1, prefix + key, expected, value, ...change);
        return (await replicated(prefix + key, replace)) === 1;
      }, writing),
  };
}

/**
 * Whether the user may run INFO. The documented gateway user may not, and Redis logs each refusal; the authorization server's user may
 * (docs/how-to/redis.md). Without a user nothing is restricted.
 */
function asksInfo({ location, uses }: Pick<RedisBackendOptions, 'location' | 'uses'>): boolean {
  return location.username === undefined || uses.includes('records');
}

/** Only the message is used, because ioredis attaches the failed command with its arguments to the error. */
function unavailable(problem: RedisProblem): StoreUnavailableError {
  const detail = problem.cause === undefined ? '' : ` (${problem.cause})`;
  return new StoreUnavailableError(`Redis did not acknowledge: ${problem.message}${detail}`, {
    cause: new Error(problem.message + detail),
    reason: problem.message,
  });
}

/**
 * Waits until replicas have the last write of this client's connection.
 *
 * @param key key of the write, which in a Cluster selects the server
 * @param replicas required number of replicas
 * @param timeout milliseconds
 * @throws {Error} fewer replicas have it in time; the master keeps the write
 */
async function waitForReplicas(redis: RedisClient, key: string, replicas: number, timeout: number) {
  const reached = redis instanceof Cluster ? waitAtOwner(redis, key, replicas, timeout) : redis.wait(replicas, timeout);
  if ((await reached) < replicas) throw new Error(`fewer than ${replicas} replicas have the write`);
}

/** A pipeline is sent to the server of its first key, over the same connection as the write. */
async function waitAtOwner(redis: Cluster, key: string, replicas: number, timeout: number): Promise<number> {
  // Unlike a pipeline, a command follows a slot that has moved, and the client learns its new server.
  await redis.exists(key);
  const results = await redis
    .pipeline([
      ['exists', key],
      ['wait', replicas, timeout],
    ])
    .exec();
  for (const [error] of results ?? []) if (error) throw error; // For example, the slot is being migrated.
  return Number(results?.[1]?.[1]);
}
