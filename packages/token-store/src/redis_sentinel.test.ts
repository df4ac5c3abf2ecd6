import { afterAll, beforeAll } from '@jest/globals';
import { type RedisSentinels, startRedisSentinels } from './testing/redis_sentinel.ts';
import { storeOnRedis } from './testing/store_on_redis.ts';
import { describeTokenStore } from './testing/token_store_contract.ts';

let redis: RedisSentinels;
beforeAll(async () => {
  redis = await startRedisSentinels();
});
afterAll(() => redis?.stop());

describeTokenStore('Redis Sentinel', () =>
  storeOnRedis({ url: redis.url }, () => redis.servers.slice(0, 1).map(({ admin }) => admin)),
);
