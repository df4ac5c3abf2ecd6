import { Cluster } from 'ioredis';
import type { RedisClient } from './redis_connections.ts';

/**
 * Waits until replicas have what was last written over this client's connection.
 *
 * @param key what was written; in a Cluster it says where
 * @param replicas how many there must be
 * @param timeout milliseconds
 * @throws {Error} fewer have it in time. It stays written where it is
 */
export async function waitForReplicas(redis: RedisClient, key: string, replicas: number, timeout: number) {
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
