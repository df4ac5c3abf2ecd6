import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { storeConfig } from '../config/store_config.ts';
import { openTokenStore, StoreUnavailableError } from '../index.ts';
import { storeOnRedis } from '../testing/store_on_redis.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';

const url = process.env.REDIS_URL;
if (!url) throw new Error('REDIS_URL is not set: `npm test` starts a Redis and sets it');

let redis: Redis;
beforeAll(() => {
  redis = new Redis(url);
});
afterAll(() => redis.disconnect());

describeTokenStore('Redis', () => storeOnRedis({ url }, () => [redis]));

test('an expired shared value is not found when an attacker restores it', async () => {
  const prefix = `test:${randomUUID()}:`;
  let time = Date.now();
  const store = await openTokenStore(storeConfig({ url, prefix }), { now: () => time });
  const values = store.sharedValues('secret');
  await values.put('refresh', 'value', 60);
  const [key = ''] = await redis.keys(`${prefix}*`);
  await redis.persist(key);
  expect(await values.find('refresh')).toBe('value');
  time += 60_000;
  expect(await values.find('refresh')).toBeUndefined();
  await redis.del(key);
  await store.close();
});

describe('an unreachable Redis', () => {
  test('is reported at once, without the password', async () => {
    const store = await openTokenStore(storeConfig({ url: 'redis://somebody:hunter2@127.0.0.1:1' }));
    const failure = await store.ping().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(StoreUnavailableError);
    expect(JSON.stringify([String(failure), String((failure as Error).cause)])).not.toContain('hunter2');
    await store.close();
  });
});
