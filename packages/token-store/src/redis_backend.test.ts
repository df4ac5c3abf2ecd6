import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { openTokenStore, type TokenStore } from './index.ts';
import { describeTokenStore } from './testing/token_store_contract.ts';

const url = process.env.REDIS_URL;
if (!url) throw new Error('REDIS_URL is not set: `npm test` starts a Redis and sets it');

describeTokenStore('Redis', () => {
  const prefix = `test:${randomUUID()}:`;
  const opened: TokenStore[] = [];
  const open = async (options?: { seal?: boolean }) => {
    const store = await openTokenStore({ url, prefix, ...options });
    opened.push(store);
    return store;
  };
  return {
    open,
    another: () => open(),
    dump: async () => {
      const redis = new Redis(url);
      const keys = await redis.keys(`${prefix}*`);
      const values = await Promise.all(keys.map((key) => readAnyType(redis, key)));
      redis.disconnect();
      return JSON.stringify([keys, values]);
    },
    close: async () => {
      await Promise.all(opened.map((store) => store.close()));
      const redis = new Redis(url);
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
      redis.disconnect();
    },
  };
});

async function readAnyType(redis: Redis, key: string): Promise<unknown> {
  switch (await redis.type(key)) {
    case 'string':
      return redis.get(key);
    case 'hash':
      return redis.hgetall(key);
    case 'zset':
      return redis.zrangebyscore(key, '-inf', '+inf');
    default:
      throw new Error(`a type of value that the store should not write: ${key}`);
  }
}
