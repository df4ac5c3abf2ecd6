import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { GrantRevokedError, tokenKey } from '../index.ts';
import { ID, listen, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store when tokens are revoked. */
export function describeRevocation(start: Start): void {
  test('destroys a record and its split entry and notifies every listener on the store', async () => {
    const { store, underTest } = await start();
    const here = await listen(store);
    const there = await listen(await underTest.another());
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 60);
    await store.records('AccessToken', SECRET).destroy(ID);
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
    await until(() => here.revoked.includes(tokenKey(ID)) && there.revoked.includes(tokenKey(ID)));
  });

  test('a session that is destroyed during a request stays destroyed, and another can use its uid', async () => {
    const { store } = await start();
    const sessions = store.records('Session', SECRET);
    await sessions.upsert(ID, { jti: ID, uid: 'uid-1', accountId: 'alice' }, 60);
    await sessions.destroy(ID);
    const late = sessions.upsert(ID, { jti: ID, uid: 'uid-1', accountId: 'alice' }, 60, Date.now() - 60_000);
    await expect(late).rejects.toThrow(GrantRevokedError);
    expect(await sessions.find(ID)).toBeUndefined();
    expect(await sessions.findByUid('uid-1')).toBeUndefined();
    await sessions.upsert(OTHER, { jti: OTHER, uid: 'uid-1', accountId: 'alice' }, 60, Date.now() - 60_000);
    expect(await sessions.find(OTHER)).toMatchObject({ accountId: 'alice' });
  });

  test('publishes nothing on the feed for records that are not access tokens', async () => {
    const { store } = await start();
    const { revoked } = await listen(store);
    await store.records('RefreshToken', SECRET).upsert(ID, { jti: ID }, 60);
    await store.records('RefreshToken', SECRET).destroy(ID);
    await store.records('AccessToken', SECRET).destroy(OTHER);
    await until(() => revoked.length > 0);
    expect(revoked).toEqual([tokenKey(OTHER)]);
  });

  test('revokes all records of one kind under a grant, and no others', async () => {
    const { store } = await start();
    const { revoked } = await listen(store);
    const records = store.records('AccessToken', SECRET);
    await records.upsert(ID, { jti: ID, grantId: 'grant-1', signingInput: 'aa.bb' }, 60);
    await records.upsert(OTHER, { jti: OTHER, grantId: 'grant-2', signingInput: 'cc.dd' }, 60);
    await store.records('RefreshToken', SECRET).upsert(ID, { jti: ID, grantId: 'grant-1' }, 60);
    await records.revokeByGrantId('grant-1');
    expect(await records.find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
    expect(await records.find(OTHER)).toBeDefined();
    expect(await store.records('RefreshToken', SECRET).find(ID)).toBeDefined();
    await until(() => revoked.includes(tokenKey(ID)));
  });

  test('destroys tokens that another client got by token exchange under the grant', async () => {
    const { store } = await start();
    const records = store.records('AccessToken', SECRET);
    await records.upsert(ID, { jti: ID, subjectGrantId: 'grant-1' }, 60);
    const requestedAt = Date.now();
    await records.revokeByGrantId('grant-1');
    expect(await records.find(ID)).toBeUndefined();
    const late = records.upsert(OTHER, { jti: OTHER, subjectGrantId: 'grant-1' }, 60, requestedAt);
    await expect(late).rejects.toThrow(GrantRevokedError);
  });

  test('refuses a write that began before its grant was revoked', async () => {
    const { store } = await start();
    const requestedAt = Date.now() - 5;
    await store.records('AccessToken', SECRET).revokeByGrantId('grant-1');
    const late = store
      .records('AccessToken', SECRET)
      .upsert(ID, { jti: ID, grantId: 'grant-1', signingInput: 'aa.bb' }, 60, requestedAt);
    await expect(late).rejects.toThrow(GrantRevokedError);
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
  });

  test('accepts a grant again for a request that began after its tokens were revoked', async () => {
    const { store } = await start();
    await store.records('AccessToken', SECRET).revokeByGrantId('grant-1');
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'grant-1' }, 60, Date.now() + 1000);
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeDefined();
  });

  test('leaves no token when a grant is revoked at any point of a token request', async () => {
    const { store, underTest } = await start();
    const elsewhere = await underTest.another();
    const tokens = store.records('AccessToken', SECRET);
    let refused = 0;
    const round = async (index: number) => {
      const [grantId, used, issued] = [`grant-${index}`, `${OTHER}-${index}`, `${ID}-${index}`];
      await store.records('RefreshToken', SECRET).upsert(used, { jti: used, grantId }, 60);
      const work = store.begin(SECRET);
      const requestedAt = Date.now();
      await work.records('RefreshToken').consume(used);
      await work.records('AccessToken').upsert(issued, { jti: issued, grantId, signingInput: 'a.b' }, 60, requestedAt);
      await work.records('RefreshToken').upsert(`${used}-next`, { jti: `${used}-next`, grantId }, 60, requestedAt);
      const revoke = async () => {
        for (let wait = index % 7; wait > 0; wait--) await elsewhere.ping();
        await elsewhere.records('AccessToken', SECRET).revokeByGrantId(grantId);
      };
      const revokedFirst = index % 2 === 0 ? revoke() : undefined;
      const [committed, revoked] = await Promise.allSettled([work.commit(), revokedFirst ?? revoke()]);
      if (committed.status === 'rejected') {
        expect(committed.reason).toBeInstanceOf(GrantRevokedError);
        refused++;
      }
      expect(revoked.status).toBe('fulfilled');
      const isCommitted = committed.status === 'fulfilled';
      expect(await tokens.find(issued)).toBeUndefined();
      expect(await store.splitEntries.find(issued)).toBeUndefined();
      const [before, next] = [await store.records('RefreshToken', SECRET).find(used), `${used}-next`];
      expect(before && 'consumed' in before).toBe(isCommitted);
      expect((await store.records('RefreshToken', SECRET).find(next)) !== undefined).toBe(isCommitted);
    };
    for (let batch = 0; batch < 4; batch++) {
      await Promise.all(Array.from({ length: 28 }, (_, index) => round(batch * 28 + index)));
    }
    expect(refused).toBeGreaterThan(0);
  });
}
