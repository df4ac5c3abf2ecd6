import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { Redis } from 'ioredis';
import { storeConfig } from '../config/store_config.ts';
import { openTokenStore, type TokenStore, tokenKey } from '../index.ts';
import { seal } from '../seal.ts';
import { ID, OTHER, SECRET } from '../testing/store_under_test.ts';

/** Every kind that is written: the models of oidc-provider and of the authorization server. */
const KINDS = [
  ...['AccessToken', 'ClientCredentials', 'AuthorizationCode', 'RefreshToken', 'Session', 'Grant', 'DeviceCode'],
  ...['Interaction', 'PushedAuthorizationRequest', 'Client', 'RegistrationAccessToken', 'InitialAccessToken'],
  ...['BackchannelAuthenticationRequest', 'ReplayDetection'],
  ...['TypedUser', 'AddedClaims', 'Poll', 'RenderedToken'],
];

let redis: Redis;
let store: TokenStore;
let prefix: string;
beforeAll(() => {
  redis = new Redis(String(process.env.REDIS_URL));
});
afterAll(() => redis.disconnect());
beforeEach(async () => {
  prefix = `test:${randomUUID()}:`;
  store = await openTokenStore(storeConfig({ url: String(process.env.REDIS_URL), prefix }));
});
afterEach(async () => {
  await store.clear();
  await store.close();
});

const keyOf = (id: string, kind: string) => `{${tokenKey(id)}}:${kind}`;

test.each(KINDS)('a %s that an attacker seals under a client-held id is not found', async (kind) => {
  const key = keyOf(ID, kind);
  const payload = { accountId: 'alice', uid: ID, userCode: ID };
  for (const content of [{ payload }, { payload, isAliased: true }, { alias: ID }]) {
    const value = seal(ID, key, JSON.stringify({ ...content, expiresAt: Date.now() + 60_000 }));
    await redis.hset(prefix + key, 'value', value);
    const records = store.records(kind, SECRET);
    expect(await records.find(ID)).toBeUndefined();
    expect(await records.findByUid(ID)).toBeUndefined();
    expect(await records.findByUserCode(ID)).toBeUndefined();
  }
});

test.each(KINDS)(
  'a %s of servers with another secret is not found, and can be destroyed and written again',
  async (kind) => {
    const [theirs, ours] = [store.records(kind, 'another secret'), store.records(kind, SECRET)];
    await theirs.upsert(ID, { jti: ID, accountId: 'alice' }, 60);
    expect(await ours.find(ID)).toBeUndefined();
    await ours.destroy(ID);
    expect(await theirs.find(ID)).toBeUndefined();
    const later = Date.now() + 60_000; // A request that began earlier could not restore the destroyed record.
    await theirs.upsert(ID, { jti: ID, accountId: 'alice' }, 60, later);
    await ours.upsert(ID, { jti: ID, accountId: 'bob' }, 60, later);
    expect(await ours.find(ID)).toMatchObject({ accountId: 'bob' });
  },
);

test.each([
  ['another id', 'AccessToken', OTHER, 'AccessToken'],
  ['another kind', 'ClientCredentials', ID, 'AccessToken'],
  ['another id and kind', 'RefreshToken', OTHER, 'AccessToken'],
])('a genuine record that is moved to %s is not found', async (_where, kind, id, foundAs) => {
  await store.records(kind, SECRET).upsert(ID, { jti: ID, accountId: 'alice' }, 60);
  await redis.copy(prefix + keyOf(ID, kind), prefix + keyOf(id, foundAs));
  expect(await store.records(foundAs, SECRET).find(id)).toBeUndefined();
});

test('a genuine record or list that is moved to another partition does not open there', async () => {
  const part = store.partition('x');
  await part.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
  await part.addToList('waiting', 'value', 60, SECRET);
  const [record, list] = [keyOf(ID, 'AccessToken'), keyOf('waiting', 'list')];
  for (const key of [record, list]) await redis.copy(`${prefix}tenant:x:${key}`, prefix + key);
  for (const key of [record, list]) expect(await redis.exists(prefix + key)).toBe(1);
  expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
  expect(await store.list('waiting', SECRET)).toEqual([]);
  expect(await part.list('waiting', SECRET)).toEqual(['value']);
});

test('a record expires even if an attacker makes its key permanent', async () => {
  const records = store.records('AccessToken', SECRET);
  await records.upsert(ID, { jti: ID }, 1);
  await redis.persist(prefix + keyOf(ID, 'AccessToken'));
  await until(async () => (await records.find(ID)) === undefined);
  expect(await redis.exists(prefix + keyOf(ID, 'AccessToken'))).toBe(1);
});

test('an alias does not work as an id', async () => {
  const [sessions, codes] = [store.records('Session', SECRET), store.records('DeviceCode', SECRET)];
  await sessions.upsert(ID, { jti: ID, uid: 'uid-1', accountId: 'alice' }, 60);
  await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
  expect(await sessions.find('uid-1')).toBeUndefined();
  expect(await codes.find('WDJBMJHT')).toBeUndefined();
  // An id does not work as an alias either.
  await sessions.upsert(OTHER, { jti: OTHER, accountId: 'alice' }, 60);
  expect(await sessions.findByUid(OTHER)).toBeUndefined();
});

test.each(['nonsense', '', '0', '1e999', '-1', 'nan'])(
  'a record with the forged consumed mark "%s" stays consumed',
  async (mark) => {
    const records = store.records('AuthorizationCode', SECRET);
    await records.upsert(ID, { jti: ID }, 60);
    await redis.hset(prefix + keyOf(ID, 'AuthorizationCode'), 'consumed', mark);
    expect(await records.consume(ID)).toBe(false);
  },
);

test('a consumed record stays consumed when its value is overwritten', async () => {
  const records = store.records('ReplayDetection', SECRET);
  await records.upsert(ID, {}, 60);
  expect(await records.consume(ID)).toBe(true);
  await redis.hset(prefix + keyOf(ID, 'ReplayDetection'), 'value', 'nonsense');
  await records.upsert(ID, {}, 60);
  expect(await records.consume(ID)).toBe(false);
});

test('forged members of a list of issued records are harmless', async () => {
  const records = store.records('AccessToken', SECRET);
  await records.upsert(ID, { jti: ID, grantId: 'g' }, 60);
  const issued = `${prefix}{${tokenKey('g')}}:AccessToken:issued`;
  await redis.zadd(issued, 9_999_999_999, 'nonsense', 9_999_999_999, '', 9_999_999_999, '}:{');
  await records.revokeByGrantId('g');
  expect(await records.find(ID)).toBeUndefined();
});
