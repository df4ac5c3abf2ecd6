import { describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { tokenKey } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store for shared introspection answers. */
export function describeSharedAnswers(start: Start): void {
  describe('an answer about an access token', () => {
    test.each(['AccessToken', 'ClientCredentials'])('of kind %s is shared by all processes', async (kind) => {
      const { store, underTest } = await start();
      await store.records(kind, SECRET).upsert(ID, { jti: ID }, 60);
      expect(await store.sharedAnswers.find(ID)).toBeUndefined();
      expect(await store.sharedAnswers.put(ID, 'the answer', 60)).toBe(true);
      expect(await (await underTest.another()).sharedAnswers.find(ID)).toBe('the answer');
      expect(await store.sharedAnswers.find(OTHER)).toBeUndefined();
    });

    test('cannot be read in the store or with another token', async () => {
      const { store, underTest } = await start();
      await store.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
      await store.sharedAnswers.put(ID, 'the answer', 60);
      const dump = await underTest.dump();
      expect(dump).toContain(`{${tokenKey(ID)}}:answer`);
      for (const secret of [ID, 'the answer', Buffer.from('the answer').toString('base64url')]) {
        expect(dump).not.toContain(secret);
      }
    });

    test('is not stored for a token without a record', async () => {
      const { store, underTest } = await start();
      await store.records('RefreshToken', SECRET).upsert(ID, { jti: ID }, 60);
      expect(await store.sharedAnswers.put(ID, 'the answer', 60)).toBe(false);
      expect(await underTest.dump()).not.toContain(':answer');
    });

    test('is deleted with the token, and cannot be stored again', async () => {
      const { store } = await start();
      const records = store.records('AccessToken', SECRET);
      await records.upsert(ID, { jti: ID }, 60);
      await store.sharedAnswers.put(ID, 'the answer', 60);
      await records.destroy(ID);
      expect(await store.sharedAnswers.find(ID)).toBeUndefined();
      expect(await store.sharedAnswers.put(ID, 'the answer', 60)).toBe(false);
      expect(await store.sharedAnswers.find(ID)).toBeUndefined();
    });

    test('is deleted with the grant', async () => {
      const { store } = await start();
      const records = store.records('AccessToken', SECRET);
      await records.upsert(ID, { jti: ID, grantId: 'g' }, 60);
      await store.sharedAnswers.put(ID, 'the answer', 60);
      await records.revokeByGrantId('g');
      expect(await store.sharedAnswers.find(ID)).toBeUndefined();
    });

    test('expires', async () => {
      const { store } = await start();
      await store.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
      await store.sharedAnswers.put(ID, 'the answer', 1);
      expect(await store.sharedAnswers.find(ID)).toBe('the answer');
      await until(async () => (await store.sharedAnswers.find(ID)) === undefined);
    });

    test('never survives a concurrent revocation', async () => {
      const { store, underTest } = await start();
      const gateway = await underTest.another();
      const records = store.records('AccessToken', SECRET);
      for (let round = 0; round < 50; round += 1) {
        const id = `${ID}-${round}`;
        await records.upsert(id, { jti: id }, 60);
        const puts = Array.from({ length: 4 }, () => gateway.sharedAnswers.put(id, 'the answer', 60));
        await Promise.all([...puts, records.destroy(id), ...puts]);
        expect(await store.sharedAnswers.find(id)).toBeUndefined();
      }
    });
  });
}
