import { describe, expect, test } from '@jest/globals';
import { tokenKey } from '../index.ts';
import { ID, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store for records that anyone can create. */
export function describeAnonymousRecords(start: Start): void {
  describe('anonymous records', () => {
    const anonymous = { maxEntries: 3, maxBytes: 100_000 };
    const names = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, index) => `${ID}-${from + index}`);

    test('past the maximum number, the newest replaces the oldest of its kind and no other', async () => {
      const { store } = await start({ anonymous });
      const [interactions, others] = [store.records('Interaction', SECRET), store.records('Client', SECRET)];
      for (const id of names(0, 3)) await others.upsertAnonymous(id, {}, 60);
      for (const id of names(0, 5)) await interactions.upsertAnonymous(id, {}, 60);
      for (const id of names(0, 2)) expect(await interactions.find(id)).toBeUndefined();
      for (const id of names(2, 5)) expect(await interactions.find(id)).toBeDefined();
      for (const id of names(0, 3)) expect(await others.find(id)).toBeDefined();
    });

    test('past the maximum size, the newest replaces the oldest', async () => {
      const { store } = await start({ anonymous: { maxEntries: 100, maxBytes: 10_000 } });
      const records = store.records('Client', SECRET);
      for (const id of names(0, 4)) await records.upsertAnonymous(id, { text: 'x'.repeat(3000) }, 60);
      expect(await records.find(`${ID}-0`)).toBeUndefined();
      expect(await records.find(`${ID}-3`)).toBeDefined();
      await records.upsertAnonymous(`${ID}-large`, { text: 'x'.repeat(20_000) }, 60);
      expect(await records.find(`${ID}-large`)).toBeUndefined();
    });

    test('leave nothing in the store when they are replaced', async () => {
      const { store, underTest } = await start({ anonymous: { maxEntries: 1, maxBytes: 100_000 } });
      const codes = store.records('DeviceCode', SECRET);
      const [first, second] = [`${ID}-1`, `${ID}-2`];
      await codes.upsertAnonymous(first, { jti: first, userCode: 'BCDFGHJK', clientId: 'tv', grantId: 'g' }, 60);
      await codes.upsertAnonymous(second, { jti: second, userCode: 'LMNPQRST', clientId: 'tv', grantId: 'g' }, 60);
      expect(await codes.find(first)).toBeUndefined();
      expect(await codes.findByUserCode('BCDFGHJK')).toBeUndefined();
      const dump = await underTest.dump();
      for (const name of [first, 'BCDFGHJK']) expect(dump).not.toContain(tokenKey(name));
      for (const name of [second, 'LMNPQRST']) expect(dump).toContain(tokenKey(name));
    });

    test.each([
      ['by upsert', 'upsert'],
      ['by upsert in another process', 'upsert in another process'],
      ['by advance', 'advance'],
    ])('are not replaced after they get an owner: %s', async (_how, how) => {
      const { store, underTest } = await start({ anonymous });
      const elsewhere = await underTest.another();
      const codes = store.records('DeviceCode', SECRET);
      await codes.upsertAnonymous(ID, { jti: ID, userCode: 'BCDFGHJK' }, 60);
      const owned = { jti: ID, userCode: 'BCDFGHJK', accountId: 'alice' };
      if (how === 'upsert') await codes.upsert(ID, owned, 60);
      else if (how === 'advance') await codes.advance(ID, owned, 60, 1);
      else await elsewhere.records('DeviceCode', SECRET).upsert(ID, owned, 60);
      for (const id of names(0, 10)) await codes.upsertAnonymous(id, { jti: id, userCode: id }, 60);
      expect(await codes.find(ID)).toMatchObject({ accountId: 'alice' });
      expect(await codes.findByUserCode('BCDFGHJK')).toMatchObject({ accountId: 'alice' });
    });

    test('make room when they are destroyed', async () => {
      const { store } = await start({ anonymous });
      const sessions = store.records('Session', SECRET);
      await sessions.upsertAnonymous(ID, { jti: ID, uid: 'uid' }, 60);
      for (const id of names(0, 5)) {
        await sessions.upsertAnonymous(id, { jti: id, uid: `uid of ${id}` }, 60);
        await sessions.destroy(id);
      }
      expect(await sessions.find(ID)).toBeDefined();
    });

    test('become the newest when they are written again', async () => {
      const { store } = await start({ anonymous });
      const records = store.records('Interaction', SECRET);
      for (const id of names(0, 3)) await records.upsertAnonymous(id, {}, 60);
      await records.upsertAnonymous(`${ID}-0`, { again: true }, 60);
      for (const id of names(3, 5)) await records.upsertAnonymous(id, {}, 60);
      expect(await records.find(`${ID}-0`)).toMatchObject({ again: true });
      expect(await records.find(`${ID}-1`)).toBeUndefined();
    });
  });
}
