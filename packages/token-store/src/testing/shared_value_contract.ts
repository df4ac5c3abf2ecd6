import { describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { tokenKey } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store for shared values. */
export function describeSharedValues(start: Start): void {
  describe('a shared value', () => {
    test('is found by every process with the secret, by its name', async () => {
      const { store, underTest } = await start();
      const values = store.sharedValues(SECRET);
      expect(await values.find(ID)).toBeUndefined();
      await values.put(ID, 'the value', 60);
      await values.put(ID, 'another value', 60);
      expect(await (await underTest.another()).sharedValues(SECRET).find(ID)).toBe('another value');
      expect(await values.find(OTHER)).toBeUndefined();
      expect(await store.partition('one').sharedValues(SECRET).find(ID)).toBeUndefined();
    });

    test('cannot be read in the store, with another secret, or under another name', async () => {
      const { store, underTest } = await start();
      await store.sharedValues(SECRET).put(ID, 'the value', 60);
      const dump = await underTest.dump();
      expect(dump).toContain(`{${tokenKey(ID)}}:shared`);
      for (const secret of [ID, SECRET, 'the value', Buffer.from('the value').toString('base64url')]) {
        expect(dump).not.toContain(secret);
      }
      expect(await store.sharedValues(`not ${SECRET}`).find(ID)).toBeUndefined();
    });

    test('is written by exactly one of many concurrent calls', async () => {
      const { store, underTest } = await start();
      const stores = [store, await underTest.another()].map((each) => each.sharedValues(SECRET));
      const attempts = await Promise.all(
        Array.from({ length: 20 }, (_, index) => stores[index % 2]?.putIfAbsent(ID, `value ${index}`, 60)),
      );
      expect(attempts.filter(Boolean)).toHaveLength(1);
      expect(await stores[0]?.find(ID)).toBe(`value ${attempts.indexOf(true)}`);
    });

    test('can be written again after it is removed', async () => {
      const { store } = await start();
      const values = store.sharedValues(SECRET);
      await values.put(ID, 'the value', 60);
      await values.remove(ID);
      await values.remove(ID);
      expect(await values.find(ID)).toBeUndefined();
      expect(await values.putIfAbsent(ID, 'another value', 60)).toBe(true);
    });

    test('expires, and can then be written again', async () => {
      const { store } = await start();
      const values = store.sharedValues(SECRET);
      expect(await values.putIfAbsent(ID, 'the first', 1)).toBe(true);
      await until(() => values.putIfAbsent(ID, 'the second', 60));
      expect(await values.find(ID)).toBe('the second');
      await values.put(OTHER, 'for a second', 1);
      await until(async () => (await values.find(OTHER)) === undefined);
    });
  });
}
