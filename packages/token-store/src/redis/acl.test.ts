import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type RedisServer, startRedisServer } from '@tallystick/testing/redis_server';
import { until } from '@tallystick/testing/until';
import { Redis } from 'ioredis';
import { storeConfig } from '../config/store_config.ts';
import { openTokenStore, StoreUnavailableError, type TokenStore, tokenKey } from '../index.ts';
import { documentedAcl } from '../testing/documented_acl.ts';
import { storeOnRedis } from '../testing/store_on_redis.ts';
import { ID, listen, OTHER, SECRET } from '../testing/store_under_test.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';

const PREFIX = 'acl:';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedisServer();
  await server.admin.acl('SETUSER', 'gateway', ...documentedAcl('gateway', PREFIX));
  await server.admin.acl('SETUSER', 'authorization-server', ...documentedAcl('authorization-server', PREFIX));
  await server.admin.acl('SETUSER', 'everything', ...documentedAcl('authorization-server', PREFIX, ['everything']));
});
afterAll(() => server?.stop());

const urlFor = (user: string) => `redis://${user}:password@127.0.0.1:${server.port}`;

describeTokenStore('Redis (with the documented rights only)', () =>
  storeOnRedis({ url: urlFor('everything'), prefix: PREFIX }, () => [server.admin]),
);

describe("the gateway's Redis user", () => {
  const opened: TokenStore[] = [];
  const open = async (user: string) => {
    const store = await openTokenStore(storeConfig({ url: urlFor(user), prefix: PREFIX, seal: false }));
    opened.push(store);
    return store;
  };
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((store) => store.close()));
    await server.admin.acl('LOG', 'RESET');
    await server.admin.flushall();
  });

  test('may read split entries and receive revocations, and the gateway needs no more', async () => {
    const [gateway, issuer] = [await open('gateway'), await open('authorization-server')];
    await issuer.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
    const { revoked } = await listen(gateway);
    await gateway.ping();
    expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    expect(await gateway.splitEntries.find(OTHER)).toBeUndefined();
    await issuer.records('AccessToken', SECRET).revokeByGrantId('g');
    await until(() => revoked.includes(tokenKey(ID)));
    expect(await gateway.splitEntries.find(ID)).toBeUndefined();
    expect(await server.admin.acl('LOG')).toEqual([]);
  });

  test('may do nothing else through the store', async () => {
    const [gateway, issuer] = [await open('gateway'), await open('authorization-server')];
    await issuer.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
    const records = gateway.records('AccessToken', SECRET);
    for (const attempt of [
      () => records.find(ID),
      () => records.has(tokenKey(ID)),
      () => records.upsert(OTHER, { jti: OTHER, signingInput: 'cc.dd' }, 60),
      () => records.consume(ID),
      () => records.destroy(ID),
      () => records.revokeByGrantId('g'),
      () => gateway.keepFirst('keys', 'value', 'secret'),
      () => gateway.readKept('keys', 'secret'),
      () => gateway.list('waiting', 'secret'),
      () => gateway.useOnce('proof', 60),
      () => gateway.sharedValues('secret').find('refresh'),
      () => gateway.sharedValues('secret').put('refresh', 'value', 60),
      () => gateway.clear(),
    ]) {
      await expect(attempt()).rejects.toThrow(StoreUnavailableError);
    }
    expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
  });

  test('may run no other command', async () => {
    const issuer = await open('authorization-server');
    await issuer.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
    const entry = `${PREFIX}{${tokenKey(ID)}}:signing-input`;
    const redis = new Redis(urlFor('gateway'), { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
    for (const [command = '', ...args] of [
      ['HGETALL', `${PREFIX}{${tokenKey(ID)}}:AccessToken`],
      ['GET', `${PREFIX}kept:keys`],
      ['GET', `other:{${tokenKey(ID)}}:signing-input`],
      ['SET', entry, 'forged'],
      ['GETDEL', entry],
      ['DEL', entry],
      ['EXPIRE', entry, '1'],
      ['KEYS', '*'],
      ['SCAN', '0'],
      ['EVAL', 'return 1', '0'],
      ['PUBLISH', `${PREFIX}revoked`, 'cleared'],
      ['SUBSCRIBE', 'other'],
      ['PSUBSCRIBE', '*'],
      ['INFO'],
      ['CONFIG', 'GET', '*'],
      ['ACL', 'LIST'],
      ['MONITOR'],
      ['FLUSHALL'],
    ]) {
      await expect(redis.call(command, ...args)).rejects.toThrow(/NOPERM/);
    }
    redis.disconnect();
    expect(await server.admin.get(entry)).toBe('aa.bb');
  });

  test('may use a name once, but not read it, if the gateway remembers proofs', async () => {
    const rules = documentedAcl('gateway', PREFIX, ['the gateway remembers DPoP proofs']);
    await server.admin.acl('SETUSER', 'remembering', ...rules);
    const gateway = await open('remembering');
    expect(await gateway.useOnce('proof', 60)).toBe(true);
    expect(await gateway.useOnce('proof', 60)).toBe(false);
    await expect(
      gateway.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60),
    ).rejects.toThrow(StoreUnavailableError);
    const redis = new Redis(urlFor('remembering'), { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
    await expect(redis.set(`${PREFIX}{a}:signing-input`, 'forged')).rejects.toThrow(/NOPERM/);
    redis.disconnect();
  });

  test('may share values with other gateways, if it signs users in', async () => {
    const rules = documentedAcl('gateway', PREFIX, ['token handlers']);
    await server.admin.acl('SETUSER', 'handing', ...rules);
    const [gateway, issuer] = [await open('handing'), await open('authorization-server')];
    await issuer.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
    const values = gateway.sharedValues('secret');
    expect(await values.putIfAbsent('refresh', 'one', 60)).toBe(true);
    expect(await values.putIfAbsent('refresh', 'two', 60)).toBe(false);
    await values.put('refresh', 'three', 60);
    expect(await values.find('refresh')).toBe('three');
    await values.remove('refresh');
    expect(await values.find('refresh')).toBeUndefined();
    expect(await gateway.splitEntries.find(ID)).toBe('aa.bb');
    await expect(gateway.records('AccessToken', SECRET).find(ID)).rejects.toThrow(StoreUnavailableError);
    const redis = new Redis(urlFor('handing'), { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
    await expect(redis.set(`${PREFIX}{a}:signing-input`, 'forged')).rejects.toThrow(/NOPERM/);
    redis.disconnect();
  });

  test('may share answers, and change nothing else, if gateways share answers', async () => {
    const rules = documentedAcl('gateway', PREFIX, ['the gateways share answers']);
    await server.admin.acl('SETUSER', 'sharing', ...rules);
    const [gateway, issuer] = [await open('sharing'), await open('authorization-server')];
    await issuer.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
    expect(await gateway.sharedAnswers.put(OTHER, 'answer', 60)).toBe(false);
    expect(await gateway.sharedAnswers.put(ID, 'answer', 60)).toBe(true);
    expect(await gateway.sharedAnswers.find(ID)).toBe('answer');
    const record = `${PREFIX}{${tokenKey(ID)}}:AccessToken`;
    const redis = new Redis(urlFor('sharing'), { protocol: 2, enableReadyCheck: false, disableClientInfo: true });
    for (const [command = '', ...args] of [
      ['SET', record, 'forged'],
      ['GET', record],
      ['SET', `${PREFIX}{a}:signing-input`, 'forged'],
      ['EVAL', 'return 1', '1', `${PREFIX}kept:keys`],
    ]) {
      await expect(redis.call(command, ...args)).rejects.toThrow(/NOPERM/);
    }
    const forging = "return redis.call('SET', KEYS[1], 'forged')";
    await expect(redis.eval(forging, 1, record)).rejects.toThrow(/user executing the script can't access/);
    redis.disconnect();
    await issuer.records('AccessToken', SECRET).revokeByGrantId('g');
    expect(await gateway.sharedAnswers.find(ID)).toBeUndefined();
  });
});
