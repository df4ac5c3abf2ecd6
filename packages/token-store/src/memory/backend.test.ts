import { describe, expect, test } from '@jest/globals';
import { type AnonymousBudget, createAnonymousBudgets } from '../anonymous_budgets.ts';
import type { TokenStore } from '../contract.ts';
import { StoreUnavailableError } from '../errors.ts';
import { SECRET, type TestedOptions } from '../testing/store_under_test.ts';
import { describeTokenStore } from '../testing/token_store_contract.ts';
import { createTokenStore } from '../token_store.ts';
import { createMemoryBackend } from './backend.ts';
import type { MemoryEntry } from './entries.ts';

interface Bounds {
  readonly maxEntries?: number;
  readonly maxBytes?: number;
  readonly anonymous?: AnonymousBudget;
  readonly now?: () => number;
}

const MANY = { maxEntries: 1000, maxBytes: 1_000_000 };

const budgets = (anonymous: AnonymousBudget = MANY, now = Date.now) => createAnonymousBudgets(anonymous, { now });

function openMemory({ now = Date.now, anonymous, ...bounds }: Bounds = {}): TokenStore {
  const backend = createMemoryBackend({ ...MANY, ...bounds, now });
  return createTokenStore(backend, { seal: false, now, anonymous: budgets(anonymous, now) });
}

describeTokenStore('memory', () => {
  const entries = new Map<string, MemoryEntry>();
  const backend = createMemoryBackend({ ...MANY, now: Date.now, entries });
  const open = async ({ seal = false, anonymous }: TestedOptions = {}) =>
    createTokenStore(backend, { seal, now: Date.now, anonymous: budgets(anonymous) });
  return {
    open,
    another: () => open(),
    // No other installation shares the memory of this process.
    nested: async () => openMemory(),
    dump: async () => JSON.stringify([...entries], (_, value) => (value instanceof Map ? [...value] : value)),
    close: () => backend.close(),
  };
});

test('the memory store refuses new entries when it is full, and drops no live one', async () => {
  let now = 0;
  const store = openMemory({ maxEntries: 2, now: () => now });
  const records = store.records('AccessToken', SECRET);
  await records.upsert('first', {}, 10);
  await records.upsert('second', {}, 20);
  await expect(records.upsert('third', {}, 20)).rejects.toThrow(StoreUnavailableError);
  await expect(records.find('first')).resolves.toBeDefined();
  await expect(records.find('second')).resolves.toBeDefined();
  await records.upsert('second', { again: true }, 20);

  now = 10_000;
  await records.upsert('third', {}, 20);
  await expect(records.find('first')).resolves.toBeUndefined();
  await expect(records.find('second')).resolves.toBeDefined();
  await expect(records.find('third')).resolves.toBeDefined();
});

test('the memory store writes both a record and its split entry, or neither', async () => {
  const store = openMemory({ maxEntries: 1 });
  const written = store.records('AccessToken', SECRET).upsert('token', { signingInput: 'aa.bb' }, 10);
  await expect(written).rejects.toThrow(StoreUnavailableError);
  await expect(store.records('AccessToken', SECRET).find('token')).resolves.toBeUndefined();
  await expect(store.splitEntries.find('token')).resolves.toBeUndefined();
});

test('the memory store accepts writes after its clock was set back to before a revocation', async () => {
  let now = 3_600_000;
  const store = openMemory({ maxEntries: 10, now: () => now });
  await store.revokeOwner({ client: 'c' });
  await store.revokeOwner({ client: 'gone' }, { permanently: true });
  now = 0;
  await store.records('AccessToken', SECRET).upsert('token', { clientId: 'c' }, 10, now);
  expect(await store.isRevokedSince([{ client: 'c' }], now)).toBe(false);
  expect(await store.isRevokedSince([{ client: 'gone' }], now)).toBe(true);
});

test('a list of the memory store drops expired members', async () => {
  let now = 0;
  const entries = new Map<string, MemoryEntry>();
  const backend = createMemoryBackend({ ...MANY, now: () => now, entries });
  for (let index = 0; index < 10_000; index++) {
    now += 1000;
    await backend.write([{ type: 'addMember', key: 'list', member: String(index), expiresIn: 10 }]);
  }
  expect(await backend.members('list')).toHaveLength(10);
  expect(entries.get('list')?.members?.size).toBeLessThan(200);
});

describe('a memory store whose maximum size is reached', () => {
  const payload = { text: 'x'.repeat(1000) };
  const fill = async (store: TokenStore, grantId = 'g') => {
    for (let count = 0; ; count++) {
      try {
        await store.records('AccessToken', SECRET).upsert(`token ${count}`, { ...payload, grantId }, 60);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreUnavailableError);
        return count;
      }
    }
  };

  test('refuses new entries, and keeps the existing ones', async () => {
    const store = openMemory({ maxBytes: 100_000 });
    const count = await fill(store);
    expect(count).toBeGreaterThan(40);
    expect(count).toBeLessThan(70);
    for (let index = 0; index < count; index++)
      expect(await store.records('AccessToken', SECRET).find(`token ${index}`)).toMatchObject(payload);
    await expect(
      store.useOnce('proof'.repeat(1000), 60).then(() => store.keepFirst('keys', 'x'.repeat(5000), SECRET)),
    ).rejects.toThrow(StoreUnavailableError);
    await expect(store.addToList('list', 'x'.repeat(5000), 60, SECRET)).rejects.toThrow(StoreUnavailableError);
  });

  test('has room again when a record is destroyed, made smaller, or expired', async () => {
    let now = 0;
    const store = openMemory({ maxBytes: 100_000, now: () => now });
    const records = store.records('AccessToken', SECRET);
    const count = await fill(store);
    await records.destroy('token 0');
    await records.upsert('token 0', { ...payload, grantId: 'g' }, 60);
    expect(await fill(store)).toBe(count);
    await records.upsert('token 0', {}, 60);
    await records.upsert('another', { text: 'x'.repeat(200) }, 60);
    now = 61_000;
    expect(await fill(store)).toBeGreaterThanOrEqual(count);
  });

  test('can still revoke', async () => {
    const store = openMemory({ maxBytes: 100_000 });
    const count = await fill(store);
    await store.records('AccessToken', SECRET).revokeByGrantId('g');
    expect(await store.records('AccessToken', SECRET).find('token 0')).toBeUndefined();
    expect(await fill(store, 'h')).toBeGreaterThan(count - 5);
    await store.revokeOwner({ client: 'c' });
    await store.clear();
    expect(await fill(store, 'i')).toBeGreaterThan(count - 5);
  });

  test('counts the size of list members, and frees it', async () => {
    const store = openMemory({ maxBytes: 100_000 });
    for (let round = 0; round < 500; round++) {
      await store.records('AccessToken', SECRET).upsert(`token ${round}`, { grantId: `g${round}`, clientId: 'c' }, 60);
      await store.records('AccessToken', SECRET).revokeByGrantId(`g${round}`);
      await store.revokeOwner({ client: 'c' }, { permanently: false });
      await store.clear();
    }
    expect(await fill(store)).toBeGreaterThan(40);
  });
});

test('anonymous callers cannot displace the records of users, in any kind or partition', async () => {
  const store = openMemory({ maxEntries: 1000, anonymous: { maxEntries: 20, maxBytes: 100_000 } });
  const token = store.records('AccessToken', SECRET);
  await token.upsert('token', { accountId: 'alice' }, 60);
  const kinds = ['Client', 'Interaction', 'Session', 'PushedAuthorizationRequest', 'DeviceCode'];
  for (const part of [store, store.partition('one'), store.partition('two')]) {
    for (const kind of kinds) {
      for (let count = 0; count < 500; count++) {
        const alias = kind === 'Session' ? { uid: `uid ${count}` } : { userCode: `code ${count}` };
        await part.records(kind, SECRET).upsertAnonymous(`${count}`, { ...alias, clientId: 'c' }, 600);
      }
    }
  }
  await store.records('Session', SECRET).upsert('session', { accountId: 'alice', uid: 'uid' }, 60);
  expect(await token.find('token')).toMatchObject({ accountId: 'alice' });
  for (let count = 0; count < 300; count++) await token.upsert(`token ${count}`, { clientId: 'c' }, 60);
});

test('the memory store deletes a list without members', async () => {
  const entries = new Map<string, MemoryEntry>();
  const backend = createMemoryBackend({ ...MANY, now: Date.now, entries });
  for (const member of ['one', 'two']) await backend.write([{ type: 'addMember', key: 'list', member, expiresIn: 10 }]);
  await backend.write([{ type: 'removeMembers', key: 'list', members: ['one', 'two', 'three'] }]);
  expect([...entries]).toEqual([]);
});
