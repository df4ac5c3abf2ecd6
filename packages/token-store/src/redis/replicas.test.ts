import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startRedisCluster } from '@tallystick/testing/redis_cluster';
import { type RedisSentinels, startRedisSentinels } from '@tallystick/testing/redis_sentinel';
import type { RedisServer } from '@tallystick/testing/redis_server';
import { until } from '@tallystick/testing/until';
import { type StoreInput, storeConfig } from '../config/store_config.ts';
import { openTokenStore, type TokenStore, tokenKey } from '../index.ts';
import { ID, OTHER, SECRET } from '../testing/store_under_test.ts';

/** Seconds. */
const MAX_LAG = 1;

/** How often a server was asked for a string. */
async function readsAt({ admin }: RedisServer): Promise<number> {
  const [, calls = '0'] = /cmdstat_get:calls=(\d+)/.exec(await admin.info('commandstats')) ?? [];
  return Number(calls);
}

describe('a store that reads from replicas', () => {
  let redis: RedisSentinels;
  let master: RedisServer;
  let replica: RedisServer;
  const opened: TokenStore[] = [];
  const open = async (options: StoreInput = {}) => {
    const store = await openTokenStore(storeConfig({ url: redis.url, maxReplicaLag: MAX_LAG, ...options }));
    opened.push(store);
    return store;
  };
  beforeAll(async () => {
    redis = await startRedisSentinels();
    [master, replica] = redis.servers as [RedisServer, RedisServer];
  });
  afterAll(() => redis?.stop());
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await replica.admin.config('SET', 'masteruser', '', 'masterauth', '');
    await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
    await master.admin.flushall();
  });

  /** From here on the replica hears nothing of its master, and answers all the same. */
  async function cutLink() {
    await replica.admin.config('SET', 'masteruser', 'nobody', 'masterauth', 'nothing');
    await master.admin.client('KILL', 'TYPE', 'REPLICA');
    await until(async () => (await replica.admin.info('replication')).includes('master_link_status:down'));
  }

  /** Looks up until it is the replica that answers. */
  async function untilReplicaAnswers(store: TokenStore, id: string) {
    await until(async () => {
      const before = await readsAt(replica);
      expect(await store.splitEntries.find(id)).toBe('aa.bb');
      return (await readsAt(replica)) > before;
    });
  }

  const payload = (id: string) => ({ jti: id, grantId: 'g', signingInput: 'aa.bb' });

  test('asks them, once it has listened for as long as they may be behind', async () => {
    const [issuer, gateway] = [await open(), await open({ readFrom: 'replica' })];
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    const before = await readsAt(replica);
    expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    expect(await readsAt(replica)).toBe(before);
    await untilReplicaAnswers(gateway, ID);
    const atMaster = await readsAt(master);
    for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    expect(await readsAt(master)).toBe(atMaster);
  });

  test('finds what a replica has not heard of yet, and not what it still has though it was revoked', async () => {
    const [issuer, gateway] = [await open(), await open({ readFrom: 'replica', maxReplicaLag: 5 })];
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await untilReplicaAnswers(gateway, ID);
    await cutLink();
    await issuer.records('AccessToken', SECRET).upsert(OTHER, payload(OTHER), 60);
    expect(await gateway.splitEntries.find(OTHER)).toBe('aa.bb');
    await issuer.records('AccessToken', SECRET).revokeByGrantId('g');
    await until(async () => (await gateway.splitEntries.find(ID)) === undefined);
    for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBeUndefined();
    expect(await replica.admin.exists(`tallystick:{${tokenKey(ID)}}:signing-input`)).toBe(1);
  });

  test('does not believe them about what may have been revoked before it listened', async () => {
    const issuer = await open();
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await until(async () => (await replica.admin.get(`tallystick:{${tokenKey(ID)}}:signing-input`)) !== null);
    await cutLink();
    await issuer.records('AccessToken', SECRET).destroy(ID);
    const gateway = await open({ readFrom: 'replica' });
    for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBeUndefined();
  });

  test('asks the master where no replica answers', async () => {
    const [issuer, gateway] = [await open(), await open({ readFrom: 'replica' })];
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await untilReplicaAnswers(gateway, ID);
    replica.pause();
    try {
      expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    } finally {
      replica.resume();
    }
  });

  test('is refused where there are no replicas to know of', () => {
    expect(() => storeConfig({ url: 'redis://localhost', readFrom: 'replica' })).toThrow(/readFrom/);
  });
});

test('a store that reads from replicas asks those of a Cluster', async () => {
  const redis = await startRedisCluster({ replicas: 1 });
  const options = { url: redis.url, maxReplicaLag: MAX_LAG };
  const [issuer, gateway] = [
    await openTokenStore(storeConfig(options)),
    await openTokenStore(storeConfig({ ...options, readFrom: 'replica' })),
  ];
  try {
    const ids = Array.from({ length: 12 }, (_, index) => `${ID}-${index}`);
    for (const id of ids)
      await issuer.records('AccessToken', SECRET).upsert(id, { jti: id, signingInput: 'aa.bb' }, 60);
    const findAll = async () => {
      for (const id of ids) expect(await gateway.splitEntries.find(id)).toBe('aa.bb');
    };
    await until(async () => {
      await findAll();
      return (await Promise.all(redis.replicas.map(readsAt))).every((reads) => reads > 0);
    });
    const atMasters = await Promise.all(redis.masters.map(readsAt));
    await findAll();
    expect(await Promise.all(redis.masters.map(readsAt))).toEqual(atMasters);
  } finally {
    await Promise.all([issuer.close(), gateway.close(), redis.stop()]);
  }
});
