import { describe, expect, test } from '@jest/globals';
import { AlreadyConsumedError, GrantRevokedError } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store for units of work. */
export function describeUnitsOfWork(start: Start): void {
  describe('a unit of work', () => {
    test('writes all collected records when it is committed, and nothing before', async () => {
      const { store } = await start();
      await store.records('RefreshToken', SECRET).upsert(OTHER, { jti: OTHER }, 60);
      const work = store.begin(SECRET);
      expect(await work.records('RefreshToken').consume(OTHER)).toBe(true);
      await work.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
      expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
      expect(await store.records('RefreshToken', SECRET).find(OTHER)).not.toHaveProperty('consumed');
      await work.commit();
      expect(await store.records('AccessToken', SECRET).find(ID)).toBeDefined();
      expect(await store.splitEntries.find(ID)).toBe('aa.bb');
      expect(await store.records('RefreshToken', SECRET).find(OTHER)).toHaveProperty('consumed');
    });

    test('writes nothing if it is not committed', async () => {
      const { store, underTest } = await start();
      await store.records('RefreshToken', SECRET).upsert(OTHER, { jti: OTHER }, 60);
      const before = await underTest.dump();
      const work = store.begin(SECRET);
      await work.records('RefreshToken').consume(OTHER);
      await work.records('AccessToken').upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
      expect(await underTest.dump()).toBe(before);
    });

    test('is committed for exactly one of many that consume a record, and the others write nothing', async () => {
      const { store } = await start();
      await store.records('RefreshToken', SECRET).upsert(OTHER, { jti: OTHER }, 60);
      const ids = [...Array(10)].map((_, index) => `${ID}-${index}`);
      const outcomes = await Promise.allSettled(
        ids.map(async (id) => {
          const work = store.begin(SECRET);
          await work.records('RefreshToken').consume(OTHER);
          await work.records('AccessToken').upsert(id, { jti: id, signingInput: 'aa.bb' }, 60);
          await work.commit();
        }),
      );
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const [index, outcome] of outcomes.entries()) {
        if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AlreadyConsumedError);
        const found = await store.records('AccessToken', SECRET).find(String(ids[index]));
        expect(found !== undefined).toBe(outcome.status === 'fulfilled');
      }
    });

    test('writes nothing if the grant was revoked meanwhile', async () => {
      const { store } = await start();
      await store.records('RefreshToken', SECRET).upsert(OTHER, { jti: OTHER }, 60);
      const work = store.begin(SECRET);
      await work.records('RefreshToken').consume(OTHER);
      await work.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g' }, 60, Date.now() - 5);
      await store.records('AccessToken', SECRET).revokeByGrantId('g');
      await expect(work.commit()).rejects.toThrow(GrantRevokedError);
      expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
      expect(await store.records('RefreshToken', SECRET).find(OTHER)).not.toHaveProperty('consumed');
    });
  });
}
