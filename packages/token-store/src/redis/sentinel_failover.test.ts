import { expect, test } from '@jest/globals';
import { type RedisSentinels, startRedisSentinels } from '@tallystick/testing/redis_sentinel';
import { until } from '@tallystick/testing/until';
import { type StoreInput, storeConfig } from '../config/store_config.ts';
import { openTokenStore, tokenKey } from '../index.ts';
import { lost, startLoad } from '../testing/load.ts';
import { listen, SECRET } from '../testing/store_under_test.ts';

const WAYS: Record<string, (redis: RedisSentinels) => Promise<void>> = {
  'on command': async ({ sentinels }) => void (await sentinels[0]?.admin.call('SENTINEL', 'FAILOVER', 'mymaster')),
  'when the master dies': async (redis) => (await redis.master()).kill(),
  'when the master hangs': async (redis) => (await redis.master()).pause(),
};

test('a Sentinel failover under load loses no token that a replica has, and the store recovers without a restart', async () => {
  // In parallel, because Sentinel takes long to make the old master a replica.
  await Promise.all(
    Object.entries(WAYS).map(async ([way, failOver]) => {
      const redis = await startRedisSentinels();
      const open = (config: StoreInput) =>
        openTokenStore(storeConfig({ url: redis.url, ...config }), { commandTimeout: 1000 });
      const [store, gateway] = [await open({ waitForReplicas: 1 }), await open({})];
      try {
        const { revoked } = await listen(gateway);
        const load = startLoad(store, way);
        await load.recovered();
        const before = await redis.master();
        await failOver(redis);
        await until(async () => (await redis.master()) !== before);
        // Restarted as a replica: without persistence it would be an empty master until Sentinel notices it.
        if (way.endsWith('dies')) await before.start('--replicaof', '127.0.0.1', String((await redis.master()).port));
        before.resume();
        await load.recovered();
        const { issued, wrong, answers, unavailable } = await load.stop();
        expect([way, wrong]).toEqual([way, []]);
        expect([way, await lost(store, issued)]).toEqual([way, []]);
        expect(answers).toBeGreaterThan(0);
        expect(unavailable).toBeGreaterThan(0);

        const [first = ''] = issued;
        await until(async () => {
          await store.records('AccessToken', SECRET).destroy(first); // Repeated, because the gateway may not have reached the new master yet.
          return revoked.includes(tokenKey(first));
        });
        expect(await gateway.splitEntries.find(first)).toBeUndefined();
      } finally {
        await Promise.all([store.close(), gateway.close(), redis.stop()]);
      }
    }),
  );
});
