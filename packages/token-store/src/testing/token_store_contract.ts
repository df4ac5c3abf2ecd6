import { afterEach, describe, expect, test } from '@jest/globals';
import {
  AlreadyConsumedError,
  GrantRevokedError,
  type RevocationListener,
  type TokenStore,
  tokenKey,
  WrongSecretError,
} from '../index.ts';

export interface StoreUnderTest {
  /** Opens a store of its own; `another` opens a second one on the same data, as another process would. */
  open(options?: { seal?: boolean }): Promise<TokenStore>;
  another(): Promise<TokenStore>;
  /** Every key and every value, as whoever steals the store reads them. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

const ID = 'client-held-token-0123456789';
const SECRET = 'what only these servers know';
const OTHER = 'another-held-token-0123456789';

/** What every token store must do, whatever it keeps its entries in. */
export function describeTokenStore(name: string, create: () => StoreUnderTest) {
  describe(`the ${name} token store`, () => {
    let underTest: StoreUnderTest | undefined;
    const start = async (options?: { seal?: boolean }) => {
      underTest = create();
      return { store: await underTest.open(options), underTest };
    };
    afterEach(async () => {
      await underTest?.close();
      underTest = undefined;
    });

    test('finds a record by its id, payload and all', async () => {
      const { store } = await start();
      await store
        .records('AccessToken')
        .upsert(ID, { jti: ID, kind: 'AccessToken', scope: 'read', extra: { a: [1] } }, 60);
      expect(await store.records('AccessToken').find(ID)).toEqual({
        jti: ID,
        kind: 'AccessToken',
        scope: 'read',
        extra: { a: [1] },
      });
    });

    test('finds nothing under an unknown id, or under the id of another kind', async () => {
      const { store } = await start();
      await store.records('AccessToken').upsert(ID, { jti: ID }, 60);
      expect(await store.records('AccessToken').find(OTHER)).toBeUndefined();
      expect(await store.records('RefreshToken').find(ID)).toBeUndefined();
    });

    test('replaces a record and keeps that it was consumed', async () => {
      const { store } = await start();
      const records = store.records('DeviceCode');
      await records.upsert(ID, { jti: ID, step: 1 }, 60);
      await records.consume(ID);
      await records.upsert(ID, { jti: ID, step: 2 }, 60);
      expect(await records.find(ID)).toMatchObject({ step: 2, consumed: expect.any(Number) });
    });

    test('forgets a record, its split entry and its place in the grant when its time is over', async () => {
      const { store } = await start();
      await store.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 1);
      expect(await store.splitEntries.find(ID)).toBe('aa.bb');
      await until(async () => (await store.records('AccessToken').find(ID)) === undefined);
      await until(async () => (await store.splitEntries.find(ID)) === undefined);
    });

    test('says by its token key whether a record is there, of its kind', async () => {
      const { store } = await start();
      const records = store.records('AccessToken');
      await records.upsert(ID, { jti: ID }, 60);
      expect(await records.has(tokenKey(ID))).toBe(true);
      expect(await records.has(ID)).toBe(false);
      expect(await store.records('RefreshToken').has(tokenKey(ID))).toBe(false);
      await records.destroy(ID);
      expect(await records.has(tokenKey(ID))).toBe(false);
    });

    test('does not write what has already expired', async () => {
      const { store } = await start();
      await store.records('AccessToken').upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 0);
      expect(await store.records('AccessToken').find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
    });

    test('finds a session by its uid, without the session id', async () => {
      const { store } = await start();
      const sessions = store.records('Session');
      await sessions.upsert(ID, { jti: ID, uid: 'uid-1', accountId: 'alice' }, 60);
      expect(await sessions.findByUid('uid-1')).toEqual({ uid: 'uid-1', accountId: 'alice' });
      expect(await sessions.find(ID)).toEqual({ jti: ID, uid: 'uid-1', accountId: 'alice' });
      await sessions.destroy(ID);
      expect(await sessions.findByUid('uid-1')).toBeUndefined();
      expect(await sessions.find(ID)).toBeUndefined();
    });

    test('finds a device code by its user code, without the device code', async () => {
      const { store } = await start();
      await store.records('DeviceCode').upsert(ID, { jti: ID, userCode: 'WDJB-MJHT', clientId: 'tv' }, 60);
      const found = await store.records('DeviceCode').findByUserCode('WDJB-MJHT');
      expect(found).toEqual({ userCode: 'WDJB-MJHT', clientId: 'tv' });
    });

    test('finds a device code that was changed by its user code, and that it was consumed', async () => {
      const { store } = await start();
      const codes = store.records('DeviceCode');
      await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
      await codes.upsert(OTHER, { jti: OTHER, userCode: 'WDJBMJHT', accountId: 'alice' }, 60); // Who came by user code.
      expect(await codes.find(ID)).toEqual({ jti: ID, userCode: 'WDJBMJHT', accountId: 'alice' });
      await codes.consume(ID);
      expect(await codes.find(ID)).toMatchObject({ accountId: 'alice', consumed: expect.any(Number) });
    });

    test('revokes a device code under both its names', async () => {
      const { store } = await start();
      const codes = store.records('DeviceCode');
      await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
      await codes.upsert(OTHER, { jti: OTHER, userCode: 'WDJBMJHT', grantId: 'g' }, 60);
      await codes.revokeByGrantId('g');
      expect(await codes.find(ID)).toBeUndefined();
      expect(await codes.findByUserCode('WDJBMJHT')).toBeUndefined();
    });

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

    test('lets exactly one of many concurrent calls consume a record', async () => {
      const { store } = await start();
      const records = store.records('AuthorizationCode');
      await records.upsert(ID, { jti: ID }, 60);
      const outcomes = await Promise.all(Array.from({ length: 20 }, () => records.consume(ID)));
      expect(outcomes.filter(Boolean)).toHaveLength(1);
      expect(await records.find(ID)).toMatchObject({ consumed: expect.any(Number) });
    });

    test('does not consume, and so does not revive, a record that is not there', async () => {
      const { store } = await start();
      expect(await store.records('AuthorizationCode').consume(ID)).toBe(false);
      expect(await store.records('AuthorizationCode').find(ID)).toBeUndefined();
    });

    describe('a unit of work', () => {
      test('writes everything it collected when it is committed, and nothing before', async () => {
        const { store } = await start();
        await store.records('RefreshToken').upsert(OTHER, { jti: OTHER }, 60);
        const work = store.begin();
        expect(await work.records('RefreshToken').consume(OTHER)).toBe(true);
        await work.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
        expect(await store.records('AccessToken').find(ID)).toBeUndefined();
        expect(await store.records('RefreshToken').find(OTHER)).not.toHaveProperty('consumed');
        await work.commit();
        expect(await store.records('AccessToken').find(ID)).toBeDefined();
        expect(await store.splitEntries.find(ID)).toBe('aa.bb');
        expect(await store.records('RefreshToken').find(OTHER)).toHaveProperty('consumed');
      });

      test('that is not committed leaves no trace', async () => {
        const { store, underTest } = await start();
        await store.records('RefreshToken').upsert(OTHER, { jti: OTHER }, 60);
        const before = await underTest.dump();
        const work = store.begin();
        await work.records('RefreshToken').consume(OTHER);
        await work.records('AccessToken').upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
        expect(await underTest.dump()).toBe(before);
      });

      test('of many that consume one record exactly one is committed, and the others write nothing', async () => {
        const { store } = await start();
        await store.records('RefreshToken').upsert(OTHER, { jti: OTHER }, 60);
        const ids = [...Array(10)].map((_, index) => `${ID}-${index}`);
        const outcomes = await Promise.allSettled(
          ids.map(async (id) => {
            const work = store.begin();
            await work.records('RefreshToken').consume(OTHER);
            await work.records('AccessToken').upsert(id, { jti: id, signingInput: 'aa.bb' }, 60);
            await work.commit();
          }),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const [index, outcome] of outcomes.entries()) {
          if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(AlreadyConsumedError);
          const found = await store.records('AccessToken').find(String(ids[index]));
          expect(found !== undefined).toBe(outcome.status === 'fulfilled');
        }
      });

      test('whose grant was revoked meanwhile writes nothing', async () => {
        const { store } = await start();
        await store.records('RefreshToken').upsert(OTHER, { jti: OTHER }, 60);
        const work = store.begin();
        await work.records('RefreshToken').consume(OTHER);
        await work.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g' }, 60, Date.now() - 5);
        await store.records('AccessToken').revokeByGrantId('g');
        await expect(work.commit()).rejects.toThrow(GrantRevokedError);
        expect(await store.records('AccessToken').find(ID)).toBeUndefined();
        expect(await store.records('RefreshToken').find(OTHER)).not.toHaveProperty('consumed');
      });
    });

    test('destroys a record and its split entry and tells every listener on the store', async () => {
      const { store, underTest } = await start();
      const here = await listen(store);
      const there = await listen(await underTest.another());
      await store.records('AccessToken').upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
      await store.records('AccessToken').destroy(ID);
      expect(await store.records('AccessToken').find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
      await until(() => here.revoked.includes(tokenKey(ID)) && there.revoked.includes(tokenKey(ID)));
    });

    test('says nothing on the feed about what is not an access token', async () => {
      const { store } = await start();
      const { revoked } = await listen(store);
      await store.records('RefreshToken').upsert(ID, { jti: ID }, 60);
      await store.records('RefreshToken').destroy(ID);
      await store.records('AccessToken').destroy(OTHER);
      await until(() => revoked.length > 0);
      expect(revoked).toEqual([tokenKey(OTHER)]);
    });

    test('revokes everything of its kind that a grant issued, and nothing else', async () => {
      const { store } = await start();
      const { revoked } = await listen(store);
      const records = store.records('AccessToken');
      await records.upsert(ID, { jti: ID, grantId: 'grant-1', signingInput: 'aa.bb' }, 60);
      await records.upsert(OTHER, { jti: OTHER, grantId: 'grant-2', signingInput: 'cc.dd' }, 60);
      await store.records('RefreshToken').upsert(ID, { jti: ID, grantId: 'grant-1' }, 60);
      await records.revokeByGrantId('grant-1');
      expect(await records.find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
      expect(await records.find(OTHER)).toBeDefined();
      expect(await store.records('RefreshToken').find(ID)).toBeDefined();
      await until(() => revoked.includes(tokenKey(ID)));
    });

    test("destroys with a grant what was issued for one of its tokens under another client's name", async () => {
      const { store } = await start();
      const records = store.records('AccessToken');
      await records.upsert(ID, { jti: ID, subjectGrantId: 'grant-1' }, 60);
      const requestedAt = Date.now();
      await records.revokeByGrantId('grant-1');
      expect(await records.find(ID)).toBeUndefined();
      const late = records.upsert(OTHER, { jti: OTHER, subjectGrantId: 'grant-1' }, 60, requestedAt);
      await expect(late).rejects.toThrow(GrantRevokedError);
    });

    test('leaves nothing behind of a write that a revocation of its grant overtook', async () => {
      const { store } = await start();
      const requestedAt = Date.now() - 5;
      await store.records('AccessToken').revokeByGrantId('grant-1');
      const late = store
        .records('AccessToken')
        .upsert(ID, { jti: ID, grantId: 'grant-1', signingInput: 'aa.bb' }, 60, requestedAt);
      await expect(late).rejects.toThrow(GrantRevokedError);
      expect(await store.records('AccessToken').find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
    });

    test('accepts a grant again for a request that began after its tokens were revoked', async () => {
      const { store } = await start();
      await store.records('AccessToken').revokeByGrantId('grant-1');
      await store.records('AccessToken').upsert(ID, { jti: ID, grantId: 'grant-1' }, 60, Date.now() + 1000);
      expect(await store.records('AccessToken').find(ID)).toBeDefined();
    });

    test.each([false, true])('shows no client-held token to whoever dumps it (seal: %s)', async (seal) => {
      const { store, underTest } = await start({ seal });
      const kinds = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'Interaction', 'Grant'];
      for (const kind of kinds) {
        const payload = { jti: ID, kind, accountId: 'alice', session: { cookie: OTHER }, signingInput: 'hh.pp' };
        await store.records(kind).upsert(ID, payload, 60);
      }
      await store.records('Session').upsert(OTHER, { jti: OTHER, uid: 'uid-1', accountId: 'alice' }, 60);
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

    test('changes a kept value, of many at once every one', async () => {
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

    test('keeps its partitions apart', async () => {
      const { store, underTest } = await start();
      const [one, two] = [store.partition('one'), store.partition('two')];
      await one.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
      await one.keepFirst('keys', 'ones', 'secret');
      for (const elsewhere of [two, store]) {
        expect(await elsewhere.records('AccessToken').find(ID)).toBeUndefined();
        expect(await elsewhere.splitEntries.find(ID)).toBeUndefined();
        expect(await elsewhere.records('AccessToken').consume(ID)).toBe(false);
        await elsewhere.records('AccessToken').revokeByGrantId('g');
        expect(await elsewhere.readKept('keys', 'secret')).toBeUndefined();
      }
      const same = (await underTest.another()).partition('one');
      expect(await same.records('AccessToken').find(ID)).toBeDefined();
      expect(await same.splitEntries.find(ID)).toBe('aa.bb');
    });

    test('forgets everything but what all processes share, and tells its listeners', async () => {
      const { store, underTest } = await start();
      const part = store.partition('part');
      for (const each of [store, part]) await each.keepFirst('keys', 'one', 'secret');
      for (const each of [store, part]) {
        await each.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
      }
      const heard: string[] = [];
      await new Promise<void>((resolve) => {
        const connected = () => resolve(void heard.push('connected'));
        store.subscribe({ revoked: () => {}, connected, disconnected: () => heard.push('disconnected') });
      });
      await (await underTest.another()).clear();
      expect(await store.records('AccessToken').find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
      expect(await underTest.dump()).not.toContain(tokenKey(ID));
      for (const each of [store, part]) expect(await each.readKept('keys', 'secret')).toBe('one');
      await until(() => heard.length === 2);
      expect(heard).toEqual(['connected', 'connected']);
    });

    test('forgets a partition, and nothing else', async () => {
      const { store } = await start();
      const [one, two] = [store.partition('one'), store.partition('two')];
      for (const each of [store, one, two]) await each.records('AccessToken').upsert(ID, { jti: ID }, 60);
      await one.keepFirst('keys', 'kept', 'secret');
      await one.clear();
      expect(await one.records('AccessToken').find(ID)).toBeUndefined();
      expect(await one.readKept('keys', 'secret')).toBe('kept');
      for (const each of [store, two]) expect(await each.records('AccessToken').find(ID)).toBeDefined();
    });

    test('answers a ping', async () => {
      const { store } = await start();
      await expect(store.ping()).resolves.toBeUndefined();
    });
  });
}

async function listen(store: TokenStore): Promise<{ revoked: string[] }> {
  const revoked: string[] = [];
  await new Promise<void>((resolve) => {
    const listener: RevocationListener = { revoked: (key) => revoked.push(key), connected: resolve, disconnected() {} };
    store.subscribe(listener);
  });
  return { revoked };
}

/** Polls until the condition holds. @throws {Error} it does not within ten seconds */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 10_000;
  while (!(await condition())) {
    if (Date.now() > giveUp) throw new Error(`not so after 10 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
