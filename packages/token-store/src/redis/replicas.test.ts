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

/** Longer than any test. Seconds. */
const LONG_LAG = 600;

/** Number of reads at a server that found a key. The store's check of its rights finds none, so it is not counted. */
async function hitsAt({ admin }: RedisServer): Promise<number> {
  return Number(/keyspace_hits:(\d+)/.exec(await admin.info('stats'))?.[1]);
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

  /** Disconnects the replica from its master. It still answers. */
  async function cutLink() {
    await replica.admin.config('SET', 'masteruser', 'nobody', 'masterauth', 'nothing');
    await master.admin.client('KILL', 'TYPE', 'REPLICA');
    await until(async () => (await replica.admin.info('replication')).includes('master_link_status:down'));
  }

  const untilReplicated = (id: string) =>
    until(async () => (await replica.admin.exists(`tallystick:{${tokenKey(id)}}:signing-input`)) === 1);

  /** Looks up until the replica answers. */
  async function untilReplicaAnswers(store: TokenStore, id: string) {
    await until(async () => {
      const before = await hitsAt(replica);
      expect(await store.splitEntries.find(id)).toBe('aa.bb');
      return (await hitsAt(replica)) > before;
    });
  }

  const payload = (id: string) => ({ jti: id, grantId: 'g', signingInput: 'aa.bb' });

  test('reads from the master until it has listened for the maximum lag', async () => {
    const [issuer, gateway] = [await open(), await open({ readFrom: 'replica', maxReplicaLag: LONG_LAG })];
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await untilReplicated(ID);
    const before = await hitsAt(replica);
    for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    expect(await hitsAt(replica)).toBe(before);
  });

  test('reads from a replica after it has listened for the maximum lag', async () => {
    const [issuer, gateway] = [await open(), await open({ readFrom: 'replica' })];
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await untilReplicaAnswers(gateway, ID);
    // Repeated, because the master is asked when the replica answers too late.
    await until(async () => {
      const before = await hitsAt(master);
      for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
      return (await hitsAt(master)) === before;
    });
  });

  test('finds a token that the replica lacks, and does not find a revoked token that the replica still has', async () => {
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

  test('does not trust a replica about tokens that were revoked before it listened', async () => {
    const issuer = await open();
    await issuer.records('AccessToken', SECRET).upsert(ID, payload(ID), 60);
    await untilReplicated(ID);
    await cutLink();
    await issuer.records('AccessToken', SECRET).destroy(ID);
    const gateway = await open({ readFrom: 'replica', maxReplicaLag: LONG_LAG });
    for (let round = 0; round < 20; round++) expect(await gateway.splitEntries.find(ID)).toBeUndefined();
  });

  test('reads from the master when no replica answers', async () => {
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

  test('needs Sentinel or a Cluster', () => {
    expect(() => storeConfig({ url: 'redis://localhost', readFrom: 'replica' })).toThrow(/readFrom/);
  });
});

test('a store that reads from replicas uses the replicas of a Cluster', async () => {
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
      return (await Promise.all(redis.replicas.map(hitsAt))).every((hits) => hits > 0);
    });
    const hitsAtMasters = async () => String(await Promise.all(redis.masters.map(hitsAt)));
    await until(async () => {
      const before = await hitsAtMasters();
      await findAll();
      return (await hitsAtMasters()) === before;
    });
  } finally {
    await Promise.all([issuer.close(), gateway.close(), redis.stop()]);
  }
});
