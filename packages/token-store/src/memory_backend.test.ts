import { expect, test } from '@jest/globals';
import { StoreUnavailableError } from './errors.ts';
import { createMemoryBackend, type MemoryEntry } from './memory_backend.ts';
import { SECRET } from './testing/store_under_test.ts';
import { describeTokenStore } from './testing/token_store_contract.ts';
import { createTokenStore } from './token_store.ts';

describeTokenStore('memory', () => {
  const entries = new Map<string, MemoryEntry>();
  const backend = createMemoryBackend({ maxEntries: 1000, now: Date.now, entries });
  return {
    open: async (options) => createTokenStore(backend, { seal: options?.seal ?? false, now: Date.now }),
    another: async () => createTokenStore(backend, { seal: false, now: Date.now }),
    // Nobody else is in this process's memory.
    nested: async () =>
      createTokenStore(createMemoryBackend({ maxEntries: 10, now: Date.now }), { seal: false, now: Date.now }),
    dump: async () => JSON.stringify([...entries], (_, value) => (value instanceof Map ? [...value] : value)),
    close: () => backend.close(),
  };
});

test('the memory store refuses new entries past its bound and drops no live one', async () => {
  let now = 0;
  const store = createTokenStore(createMemoryBackend({ maxEntries: 2, now: () => now }), {
    seal: false,
    now: () => now,
  });
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

test('the memory store writes a record and its split entry both or neither', async () => {
  const store = createTokenStore(createMemoryBackend({ maxEntries: 1, now: Date.now }), { seal: false, now: Date.now });
  const written = store.records('AccessToken', SECRET).upsert('token', { signingInput: 'aa.bb' }, 10);
  await expect(written).rejects.toThrow(StoreUnavailableError);
  await expect(store.records('AccessToken', SECRET).find('token')).resolves.toBeUndefined();
  await expect(store.splitEntries.find('token')).resolves.toBeUndefined();
});

test('the memory store does not refuse what is written after its clock was set back behind a deletion', async () => {
  let now = 3_600_000;
  const store = createTokenStore(createMemoryBackend({ maxEntries: 10, now: () => now }), {
    seal: false,
    now: () => now,
  });
  await store.revokeOwner({ client: 'c' });
  await store.revokeOwner({ client: 'gone' }, { forGood: true });
  now = 0;
  await store.records('AccessToken', SECRET).upsert('token', { clientId: 'c' }, 10, now);
  expect(await store.isRevokedSince([{ client: 'c' }], now)).toBe(false);
  expect(await store.isRevokedSince([{ client: 'gone' }], now)).toBe(true);
});

test('a list of the memory store forgets the members that have expired', async () => {
  let now = 0;
  const entries = new Map<string, MemoryEntry>();
  const backend = createMemoryBackend({ maxEntries: 10, now: () => now, entries });
  for (let index = 0; index < 10_000; index++) {
    now += 1000;
    await backend.write([{ do: 'addMember', key: 'list', member: String(index), expiresIn: 10 }]);
  }
  expect(await backend.members('list')).toHaveLength(10);
  expect(entries.get('list')?.members?.size).toBeLessThan(200);
});
