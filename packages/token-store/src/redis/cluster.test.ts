import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisCluster, startRedisCluster } from '@tallystick/testing/redis_cluster';
import { until } from '@tallystick/testing/until';
import { Cluster } from 'ioredis';
import { storeConfig } from '../config/store_config.ts';
import { GrantRevokedError, openTokenStore, StoreUnavailableError, type TokenStore, tokenKey } from '../index.ts';
import { documentedAcl } from '../testing/documented_acl.ts';
import { storeOnRedis } from '../testing/store_on_redis.ts';
import { ID, listen, OTHER, SECRET } from '../testing/store_under_test.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';

let redis: RedisCluster;
beforeAll(async () => {
  redis = await startRedisCluster();
});
afterAll(() => redis?.stop());

describeTokenStore('Redis Cluster', () =>
  storeOnRedis({ url: redis.url }, () => redis.masters.map(({ admin }) => admin)),
);

test('a store that is closed while it reads the slot map does not keep the process alive', async () => {
  const { refreshSlotsCache } = Cluster.prototype;
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const refreshed: (() => void)[] = [];
  const store = await openTokenStore(storeConfig({ url: redis.url }));
  await store.ping();
  Cluster.prototype.refreshSlotsCache = (callback) => void refreshed.push(callback as () => void);
  try {
    await until(() => refreshed.length > 0);
    await store.close();
    const before = timers();
    for (const callback of refreshed) callback();
    expect(timers()).toBeLessThanOrEqual(before);
  } finally {
    Cluster.prototype.refreshSlotsCache = refreshSlotsCache;
  }
});

describe('a write on a Cluster', () => {
  const opened: TokenStore[] = [];
  const open = async (prefix: string) => {
    const store = await openTokenStore(storeConfig({ url: redis.url, prefix }));
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
  });

  /** Delays only the script that writes a record, until `release`. */
  function holdBack(id: string) {
    const { eval: original } = Cluster.prototype;
    let reached = () => {};
    let release = () => {};
    const isReached = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const isReleased = new Promise<void>((resolve) => {
      release = resolve;
    });
    Cluster.prototype.eval = async function (this: Cluster, ...args: unknown[]) {
      if (String(args.at(-1)).includes(tokenKey(id)) && String(args.at(-1)).includes('"hset"')) {
        reached();
        await isReleased;
      }
      return Reflect.apply(original, this, args) as Promise<unknown>;
    } as typeof original;
    const restore = () => {
      Cluster.prototype.eval = original;
    };
    return { isReached, release, restore };
  }

  test('does not add a record after its list was revoked', async () => {
    const [issuer, revoker] = [await open('steps:'), await open('steps:')];
    const held = holdBack(ID);
    try {
      const payload = { jti: ID, grantId: 'g', signingInput: 'aa.bb' };
      const late = issuer.records('AccessToken', SECRET).upsert(ID, payload, 60);
      await held.isReached;
      await revoker.records('AccessToken', SECRET).revokeByGrantId('g');
      held.release();
      await expect(late).rejects.toThrow(GrantRevokedError);
      expect(await issuer.records('AccessToken', SECRET).find(ID)).toBeUndefined();
      expect(await issuer.splitEntries.find(ID)).toBeUndefined();
    } finally {
      held.restore();
    }
  });

  test('consumes nothing when a step fails, and can be repeated', async () => {
    const prefix = 'let-down:';
    const rules = documentedAcl('authorization-server', prefix, ['a Cluster']);
    const everywhere = (...also: string[]) =>
      Promise.all(redis.masters.map(({ admin }) => admin.acl('SETUSER', 'issuer', 'reset', ...rules, ...also)));
    await everywhere();
    const issuer = await openTokenStore(storeConfig({ url: redis.url.replace('//', '//issuer:password@'), prefix }));
    opened.push(issuer);
    const admin = await open(prefix);
    await admin.records('RefreshToken', SECRET).upsert(OTHER, { jti: OTHER, grantId: 'g' }, 60);
    const request = async () => {
      const work = issuer.begin(SECRET);
      await work.records('RefreshToken').consume(OTHER);
      await work.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
      await work.commit();
    };
    // Without HEXISTS only the last step fails. Without DEL the earlier steps are not undone.
    for (const [rights, left] of [
      [['-hset'], false],
      [['-hexists'], false],
      [['-hexists', '-del'], true],
    ] as const) {
      await everywhere(...rights);
      await expect(request()).rejects.toThrow(StoreUnavailableError);
      await until(async () => ((await admin.records('AccessToken', SECRET).find(ID)) !== undefined) === left);
      expect(await admin.records('RefreshToken', SECRET).find(OTHER)).not.toHaveProperty('consumed');
    }
    await everywhere();
    await request();
    expect(await admin.records('RefreshToken', SECRET).find(OTHER)).toHaveProperty('consumed');
    expect(await admin.splitEntries.find(ID)).toBe('aa.bb');
    await admin.records('AccessToken', SECRET).revokeByGrantId('g');
    expect(await admin.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    for (const { admin: master } of redis.masters) expect(await master.acl('DELUSER', 'issuer')).toBe(1);
  });

  test.each([
    ['a wrong password', 'wrong', [], /user is unknown, or the password is wrong/],
    ['a missing right on one master', 'password', ['-eval'], /lacks rights: it may not run .*EVAL/],
    ['no right to read the state of the cluster', 'password', ['-cluster|info'], /lacks rights/],
    ['no right to read the slot map', 'password', ['-cluster|slots'], /lacks rights/],
  ] as const)('is unavailable with %s, and then recovers', async (_what, password, missing, expected) => {
    const rules = documentedAcl('authorization-server', 'rights:', ['a Cluster']);
    const allow = (...also: string[]) =>
      Promise.all(
        redis.masters.map(({ admin }, index) =>
          admin.acl('SETUSER', 'role', 'reset', ...rules, ...(index === 2 || also[0]?.startsWith('-c') ? also : [])),
        ),
      );
    await allow(...missing);
    const url = redis.url.replace('//', `//role:${password}@`);
    const store = await openTokenStore(storeConfig({ url, prefix: 'rights:' }), { uses: ['records'] });
    opened.push(store);
    const reason = () =>
      store.ping().then(
        () => 'usable',
        ({ reason: why }: StoreUnavailableError) => why,
      );
    await until(async () => expected.test(await reason()));
    await Promise.all(redis.masters.map(({ admin }) => admin.acl('SETUSER', 'role', 'reset', ...rules, '>wrong')));
    await until(async () => (await reason()) === 'usable');
  });

  test('reaches every listener with a revocation, on any server', async () => {
    const [issuer, ...listeners] = await Promise.all(Array.from({ length: 7 }, () => open('feed:')));
    const heard = await Promise.all(listeners.map((listener) => listen(listener)));
    const servers = await Promise.all(
      redis.masters.map(async ({ admin }) => (await admin.pubsub('NUMSUB', 'feed:revoked')) as [string, number]),
    );
    expect(servers.reduce((sum, [, count]) => sum + count, 0)).toBe(listeners.length);
    const ids = Array.from({ length: 10 }, (_, index) => `${ID}-${index}`);
    await Promise.all(ids.map((id) => issuer?.records('AccessToken', SECRET).destroy(id)));
    await until(() => heard.every(({ revoked }) => ids.every((id) => revoked.includes(tokenKey(id)))));
  });
});
