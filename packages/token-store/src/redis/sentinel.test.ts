import { afterAll, beforeAll, test } from '@jest/globals';
import { freePort } from '@tallystick/testing/free_port';
import { type RedisSentinels, startRedisSentinels } from '@tallystick/testing/redis_sentinel';
import { until } from '@tallystick/testing/until';
import { storeConfig } from '../config/store_config.ts';
import { openTokenStore, type StoreUnavailableError } from '../index.ts';
import { documentedAcl } from '../testing/documented_acl.ts';
import { storeOnRedis } from '../testing/store_on_redis.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';

let redis: RedisSentinels;
beforeAll(async () => {
  redis = await startRedisSentinels();
});
afterAll(() => redis?.stop());

describeTokenStore('Redis Sentinel', () =>
  storeOnRedis({ url: redis.url }, () => redis.servers.slice(0, 1).map(({ admin }) => admin)),
);

test.each([
  ['a database that does not exist', async () => `${redis.url}/99`, /database cannot be selected/],
  [
    'an unknown name of the master',
    async () => redis.url.replace('mymaster', 'nobody'),
    /knows no master with this name/,
  ],
  [
    'Sentinels that are not running',
    async () => `redis+sentinel://127.0.0.1:${await freePort()}/mymaster`,
    /nothing listens/,
  ],
  ['a user without INFO', async () => redis.url.replace('//', '//role:password@'), /lacks rights.*INFO/],
] as const)('a store behind Sentinel is unavailable with %s', async (_what, url, expected) => {
  const rules = documentedAcl('gateway', 'role:');
  await Promise.all(redis.servers.map(({ admin }) => admin.acl('SETUSER', 'role', 'reset', ...rules)));
  const store = await openTokenStore(storeConfig({ url: await url(), prefix: 'role:' }), { uses: ['split entries'] });
  const reason = () =>
    store.ping().then(
      () => 'usable',
      ({ reason: why }: StoreUnavailableError) => why,
    );
  await until(async () => expected.test(await reason()));
  await store.close();
});
