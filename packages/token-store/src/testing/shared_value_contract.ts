import { describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { tokenKey } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** How every token store hands values from one process to another. */
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

    test('can be read neither by who has the store nor with another secret, nor moved to another name', async () => {
      const { store, underTest } = await start();
      await store.sharedValues(SECRET).put(ID, 'the value', 60);
      const dump = await underTest.dump();
      expect(dump).toContain(`{${tokenKey(ID)}}:shared`);
      for (const secret of [ID, SECRET, 'the value', Buffer.from('the value').toString('base64url')]) {
        expect(dump).not.toContain(secret);
      }
      expect(await store.sharedValues(`not ${SECRET}`).find(ID)).toBeUndefined();
    });

    test('is put by one of many at the same time', async () => {
      const { store, underTest } = await start();
      const stores = [store, await underTest.another()].map((each) => each.sharedValues(SECRET));
      const attempts = await Promise.all(
        Array.from({ length: 20 }, (_, index) => stores[index % 2]?.putIfAbsent(ID, `value ${index}`, 60)),
      );
      expect(attempts.filter(Boolean)).toHaveLength(1);
      expect(await stores[0]?.find(ID)).toBe(`value ${attempts.indexOf(true)}`);
    });

    test('that is removed makes room for another', async () => {
      const { store } = await start();
      const values = store.sharedValues(SECRET);
      await values.put(ID, 'the value', 60);
      await values.remove(ID);
      await values.remove(ID);
      expect(await values.find(ID)).toBeUndefined();
      expect(await values.putIfAbsent(ID, 'another value', 60)).toBe(true);
    });

    test('has its time, after which another can be put', async () => {
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
