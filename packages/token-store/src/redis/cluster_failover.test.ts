import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisCluster, startRedisCluster } from '@tallystick/testing/redis_cluster';
import type { RedisServer } from '@tallystick/testing/redis_server';
import { until } from '@tallystick/testing/until';
import { type StoreInput, storeConfig } from '../config/store_config.ts';
import { openTokenStore, type TokenStore, tokenKey } from '../index.ts';
import { lost, startLoad } from '../testing/load.ts';
import { SECRET } from '../testing/store_under_test.ts';

describe('a store on a Redis Cluster that changes under load', () => {
  let redis: RedisCluster;
  const opened: TokenStore[] = [];
  const open = async (options: StoreInput = {}) => {
    const store = await openTokenStore(storeConfig({ url: redis.url, prefix: 'load:', ...options }), {
      commandTimeout: 1000,
    });
    opened.push(store);
    return store;
  };
  beforeAll(async () => {
    redis = await startRedisCluster({ replicas: 1 });
  });
  afterAll(() => redis?.stop());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  test('gives no wrong answer and loses no token while slots move', async () => {
    const store = await open({ waitForReplicas: 1 });
    const load = startLoad(store, 'moving');
    await load.recovered();
    const [from, to] = redis.masters as [RedisServer, RedisServer];
    const slots = new Set<number>();
    for (const id of load.outcome().issued) {
      const key = `load:{${tokenKey(id)}}:signing-input`;
      const slot = Number(await from.admin.call('CLUSTER', 'KEYSLOT', key));
      if (Number(await from.admin.call('CLUSTER', 'COUNTKEYSINSLOT', String(slot))) > 0) slots.add(slot);
      if (slots.size === 20) break;
    }
    for (const slot of slots) await redis.moveSlot(slot, from, to);
    await load.recovered();
    const { issued, wrong } = await load.stop();
    expect(wrong).toEqual([]);
    expect(await lost(store, issued)).toEqual([]);
    expect(slots.size).toBe(20);
  });

  test('loses no token that a replica has when a master dies, and recovers by itself', async () => {
    const store = await open({ waitForReplicas: 1 });
    const gateways = await Promise.all([open(), open(), open()]);
    const feeds = gateways.map((gateway) => {
      const heard = { connected: 0, revoked: [] as string[] };
      gateway.subscribe({
        revoked: (key) => heard.revoked.push(key),
        connected: () => heard.connected++,
        disconnected() {},
      });
      return heard;
    });
    await until(() => feeds.every(({ connected }) => connected > 0));
    const load = startLoad(store, 'dying');
    await load.recovered();
    const [, , victim] = redis.masters as [RedisServer, RedisServer, RedisServer];
    await victim.kill();
    await until(async () => /role:master/.test(await (redis.replicas[2] as RedisServer).admin.info('replication')));
    await victim.start(); // It comes back as a replica: writes wait for one.
    await load.recovered();
    const { issued, wrong, unavailable } = await load.stop();
    expect(wrong).toEqual([]);
    expect(unavailable).toBeGreaterThan(0);
    expect(await lost(store, issued)).toEqual([]);
    const [first = ''] = issued;
    await store.records('AccessToken', SECRET).revokeByGrantId(`grant of ${first}`);
    await until(() => feeds.every(({ revoked }) => revoked.includes(tokenKey(first))));
    for (const gateway of gateways) expect(await gateway.splitEntries.find(first)).toBeUndefined();
  });
});
