import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { type StoreInput, storeConfig } from '../config/store_config.ts';
import { openTokenStore, type TokenStore } from '../index.ts';
import type { StoreUnderTest, TestedOptions } from './store_under_test.ts';

/**
 * A store on a real Redis, under a prefix of its own.
 *
 * @param masters connections to every server that holds keys, with the rights to read and delete them
 */
export function storeOnRedis(options: StoreInput, masters: () => readonly Redis[]): StoreUnderTest {
  const prefix = `test:${randomUUID()}:`;
  const opened: TokenStore[] = [];
  const open = async (also?: TestedOptions & { prefix?: string }) => {
    const store = await openTokenStore(storeConfig({ prefix, ...options, ...also }));
    opened.push(store);
    return store;
  };
  const keysOf = (master: Redis) => master.keys(`${options.prefix ?? prefix}*`);
  return {
    open,
    another: () => open(),
    nested: (more) => open({ prefix: (options.prefix ?? prefix) + more }),
    async dump() {
      const parts = masters().map(async (master) => {
        const keys = await keysOf(master);
        return [keys, await Promise.all(keys.map((key) => readAnyType(master, key)))];
      });
      return JSON.stringify(await Promise.all(parts));
    },
    async close() {
      await Promise.all(opened.map((store) => store.close()));
      for (const master of masters()) await Promise.all((await keysOf(master)).map((key) => master.del(key)));
    },
  };
}

async function readAnyType(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'zset':
      return redis.zrangebyscore(key, '-inf', '+inf');
    default:
      throw new Error(`unexpected type of the value of ${key}`);
  }
}
