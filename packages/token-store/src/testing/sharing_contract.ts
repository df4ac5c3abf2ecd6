import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { type TokenStore, tokenKey, WrongSecretError } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store between processes, partitions and installations. */
export function describeSharing(start: Start): void {
  test('shares a list, sealed, until each of its values expires', async () => {
    const { store, underTest } = await start();
    await store.addToList('waiting', 'first', 60, SECRET);
    await (await underTest.another()).addToList('waiting', 'second', 1, SECRET);
    expect((await store.list('waiting', SECRET)).sort()).toEqual(['first', 'second']);
    expect(await store.list('another', SECRET)).toEqual([]);
    expect(await store.list('waiting', `not ${SECRET}`)).toEqual([]);
    expect(await underTest.dump()).not.toMatch(/first|second/);
    await until(async () => (await store.list('waiting', SECRET)).join() === 'first');
  });

  test.each([false, true])('contains no client-held token (seal: %s)', async (seal) => {
    const { store, underTest } = await start({ seal });
    const kinds = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Interaction', 'Grant'];
    for (const kind of kinds) {
      const payload = { jti: ID, kind, accountId: 'alice', session: { cookie: OTHER }, signingInput: 'hh.pp' };
      await store.records(kind, SECRET).upsert(ID, payload, 60);
    }
    await store.records('Session', SECRET).upsert(OTHER, { jti: OTHER, uid: 'uid-1', accountId: 'alice' }, 60);
    const dump = await underTest.dump();
    expect(dump).not.toContain(ID);
    expect(dump).not.toContain(OTHER);
    expect(dump).not.toContain('alice');
    expect(dump.includes('hh.pp')).toBe(!seal);
    expect(dump).toContain(tokenKey(ID));
    expect(await store.splitEntries.find(ID)).toBe('hh.pp');
  });

  test('keeps the first value for every process', async () => {
    const { store, underTest } = await start();
    expect(await store.keepFirst('keys', 'one', 'secret')).toBe('one');
    expect(await (await underTest.another()).keepFirst('keys', 'two', 'secret')).toBe('one');
    await expect(store.keepFirst('keys', 'three', 'guess')).rejects.toThrow(WrongSecretError);
    expect(await underTest.dump()).not.toContain('one');
  });

  test('carries out every one of many concurrent changes of a kept value', async () => {
    const { store, underTest } = await start();
    const other = await underTest.another();
    expect(await store.readKept('count', 'secret')).toBeUndefined();
    await store.keepFirst('count', '0', 'secret');
    const increment = (value: string) => String(Number(value) + 1);
    await Promise.all(
      [...Array(10)].map((_, index) => (index % 2 ? store : other).changeKept('count', 'secret', increment)),
    );
    expect(await other.readKept('count', 'secret')).toBe('10');
    await expect(store.changeKept('count', 'guess', increment)).rejects.toThrow(WrongSecretError);
    await expect(store.readKept('count', 'guess')).rejects.toThrow(WrongSecretError);
    await expect(store.changeKept('nothing', 'secret', increment)).rejects.toThrow(WrongSecretError);
  });

  test('notifies every listener of its partition of a changed kept value, without a revocation', async () => {
    const { store, underTest } = await start();
    const other = await underTest.another();
    const heard: string[] = [];
    const hear = (listener: TokenStore, where: string) =>
      new Promise<void>((resolve) => {
        listener.subscribe({
          revoked: (key) => heard.push(`${where}: ${key}`),
          keptChanged: (name) => heard.push(`${where}: ${name}`),
          connected: resolve,
          disconnected() {},
        });
      });
    await Promise.all([hear(store, 'whole'), hear(other, 'another'), hear(other.partition('part'), 'part')]);
    for (const each of [store, store.partition('part')]) {
      await each.keepFirst('keys', 'one', 'secret');
      await each.changeKept('keys', 'secret', () => 'two');
      await each.records('AccessToken', SECRET).destroy(ID);
    }
    await until(() => heard.length === 9);
    const revoked = tokenKey(ID);
    expect(heard.filter((each) => !each.endsWith(revoked)).sort()).toEqual([
      'another: keys',
      'part: keys',
      'whole: keys',
    ]);
  });

  test('lets exactly one of many processes use a name, until it expires', async () => {
    const { store, underTest } = await start();
    const other = await underTest.another();
    const attempts = await Promise.all([...Array(10)].map((_, index) => (index % 2 ? store : other).useOnce(ID, 60)));
    expect(attempts.filter(Boolean)).toHaveLength(1);
    expect(await other.useOnce(ID, 60)).toBe(false);
    expect(await store.useOnce(OTHER, 1)).toBe(true);
    expect(await store.partition('one').useOnce(ID, 60)).toBe(true);
    expect(await underTest.dump()).not.toContain(ID);
    await until(() => store.useOnce(OTHER, 1));
  });

  test('separates its partitions', async () => {
    const { store, underTest } = await start();
    const [one, two] = [store.partition('one'), store.partition('two')];
    await one.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
    await one.keepFirst('keys', 'ones', 'secret');
    for (const elsewhere of [two, store]) {
      expect(await elsewhere.records('AccessToken', SECRET).find(ID)).toBeUndefined();
      expect(await elsewhere.splitEntries.find(ID)).toBeUndefined();
      expect(await elsewhere.records('AccessToken', SECRET).consume(ID)).toBe(false);
      await elsewhere.records('AccessToken', SECRET).revokeByGrantId('g');
      expect(await elsewhere.readKept('keys', 'secret')).toBeUndefined();
    }
    const same = (await underTest.another()).partition('one');
    expect(await same.records('AccessToken', SECRET).find(ID)).toBeDefined();
    expect(await same.splitEntries.find(ID)).toBe('aa.bb');
  });

  test('deletes everything except kept values on clear, and notifies its listeners', async () => {
    const { store, underTest } = await start();
    const part = store.partition('part');
    for (const each of [store, part]) await each.keepFirst('keys', 'one', 'secret');
    for (const each of [store, part]) {
      await each.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
    }
    const heard: string[] = [];
    await new Promise<void>((resolve) => {
      const connected = () => resolve(void heard.push('connected'));
      store.subscribe({ revoked: () => {}, connected, disconnected: () => heard.push('disconnected') });
    });
    await (await underTest.another()).clear();
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
    expect(await underTest.dump()).not.toContain(tokenKey(ID));
    for (const each of [store, part]) expect(await each.readKept('keys', 'secret')).toBe('one');
    await until(() => heard.length === 2);
    expect(heard).toEqual(['connected', 'connected']);
  });

  test.each(['b:', 'part:', 'kept:', 'x', '{', 'tenants:', '*'])(
    'deletes nothing of an installation whose prefix continues with %s',
    async (more) => {
      const { store, underTest } = await start();
      const nested = await underTest.nested(more);
      const part = store.partition('part');
      const theirs = [nested, nested.partition('part')];
      for (const each of [store, part, ...theirs]) {
        await each.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
        await each.keepFirst('keys', 'one', 'secret');
      }
      await store.clear();
      for (const each of [store, part]) expect(await each.records('AccessToken', SECRET).find(ID)).toBeUndefined();
      for (const each of theirs) {
        expect(await each.records('AccessToken', SECRET).find(ID)).toBeDefined();
        expect(await each.splitEntries.find(ID)).toBe('aa.bb');
        expect(await each.readKept('keys', 'secret')).toBe('one');
      }
    },
  );

  test('clears a partition, and no other whose name starts in the same way', async () => {
    const { store } = await start();
    const [part, other] = [store.partition('part'), store.partition('part.2')];
    for (const each of [part, other]) await each.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
    await part.clear();
    expect(await part.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await other.records('AccessToken', SECRET).find(ID)).toBeDefined();
    for (const name of ['part:2', '']) expect(() => store.partition(name)).toThrow(TypeError);
  });

  test('clears a partition except its kept values, and nothing else', async () => {
    const { store } = await start();
    const [one, two] = [store.partition('one'), store.partition('two')];
    for (const each of [store, one, two]) await each.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
    await one.keepFirst('keys', 'kept', 'secret');
    await one.clear();
    expect(await one.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await one.readKept('keys', 'secret')).toBe('kept');
    for (const each of [store, two]) expect(await each.records('AccessToken', SECRET).find(ID)).toBeDefined();
  });

  test('answers a ping', async () => {
    const { store } = await start();
    await expect(store.ping()).resolves.toBeUndefined();
  });
}
