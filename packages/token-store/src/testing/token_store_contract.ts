import { afterEach, describe, expect, test } from '@jest/globals';
import { GrantRevokedError, type RevocationListener, type TokenStore, tokenKey, WrongSecretError } from '../index.ts';

export interface StoreUnderTest {
  /** Opens a store of its own; `another` opens a second one on the same data, as another process would. */
  open(options?: { seal?: boolean }): Promise<TokenStore>;
  another(): Promise<TokenStore>;
  /** Every key and every value, as whoever steals the store reads them. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

const ID = 'client-held-token-0123456789';
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

    test('forgets everything but what all processes share, and tells its listeners', async () => {
      const { store, underTest } = await start();
      await store.keepFirst('keys', 'one', 'secret');
      await store.records('AccessToken').upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 60);
      const heard: string[] = [];
      await new Promise<void>((resolve) => {
        const connected = () => resolve(void heard.push('connected'));
        store.subscribe({ revoked: () => {}, connected, disconnected: () => heard.push('disconnected') });
      });
      await (await underTest.another()).clear();
      expect(await store.records('AccessToken').find(ID)).toBeUndefined();
      expect(await store.splitEntries.find(ID)).toBeUndefined();
      expect(await underTest.dump()).not.toContain(tokenKey(ID));
      expect(await store.keepFirst('keys', 'two', 'secret')).toBe('one');
      await until(() => heard.length === 2);
      expect(heard).toEqual(['connected', 'connected']);
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

/** Polls until the condition holds; the test's own time limit ends a wait that is in vain. */
async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}
