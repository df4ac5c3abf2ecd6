import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { GrantRevokedError, type RecordOwner, tokenKey } from '../index.ts';
import { ID, listen, OTHER, SECRET, type Start } from './store_under_test.ts';

const CLIENT: RecordOwner = { client: 'c' };
const USER: RecordOwner = { user: 'u' };

/** Behaviour of every token store when a client or a user is deleted. */
export function describeOwners(start: Start): void {
  test.each([
    ['client', CLIENT, { clientId: 'c' }, { clientId: 'other' }],
    ['user', USER, { accountId: 'u', clientId: 'c' }, { accountId: 'other', clientId: 'c' }],
    ['client that is the subject', CLIENT, { accountId: 'c', subjectClientId: 'c', clientId: 'x' }, { clientId: 'x' }],
  ])('revokes all records of a %s, of every kind, and no others', async (_what, owner, of, ofOther) => {
    const { store, underTest } = await start();
    const here = await listen(store);
    const there = await listen(await underTest.another());
    const kinds = ['AccessToken', 'ClientCredentials', 'RefreshToken', 'AuthorizationCode', 'Grant', 'Session'];
    for (const kind of kinds) {
      await store.records(kind, SECRET).upsert(`${ID}-${kind}`, { ...of, grantId: 'g', signingInput: 'aa.bb' }, 60);
      await store
        .records(kind, SECRET)
        .upsert(`${OTHER}-${kind}`, { ...ofOther, grantId: 'g', signingInput: 'cc.dd' }, 60);
    }
    await store.sharedAnswers.put(`${ID}-AccessToken`, 'answer', 60);
    await store.revokeOwner(owner);
    for (const kind of kinds) {
      expect(await store.records(kind, SECRET).find(`${ID}-${kind}`)).toBeUndefined();
      expect(await store.records(kind, SECRET).find(`${OTHER}-${kind}`)).toBeDefined();
    }
    for (const kind of ['AccessToken', 'ClientCredentials']) {
      expect(await store.splitEntries.find(`${ID}-${kind}`)).toBeUndefined();
      expect(await store.splitEntries.find(`${OTHER}-${kind}`)).toBe('cc.dd');
    }
    expect(await store.sharedAnswers.find(`${ID}-AccessToken`)).toBeUndefined();
    const gone = ['AccessToken', 'ClientCredentials'].map((kind) => tokenKey(`${ID}-${kind}`)).sort();
    await until(() => here.revoked.length === 2 && there.revoked.length === 2);
    expect([here.revoked.sort(), there.revoked.sort()]).toEqual([gone, gone]);
  });

  test.each([
    ['client', CLIENT],
    ['user', USER],
  ])('revokes tokens that others got by token exchange under the grants of a %s', async (_what, owner) => {
    const { store, underTest } = await start();
    const there = await listen(await underTest.another());
    const [grants, tokens] = [store.records('Grant', SECRET), store.records('AccessToken', SECRET)];
    const exchanged = { clientId: 'backend', accountId: 'somebody', signingInput: 'aa.bb' };
    const requestedAt = Date.now() - 5;
    for (const id of [ID, OTHER]) {
      const isOther = id === OTHER;
      await grants.upsert(`grant-${id}`, { clientId: isOther ? 'x' : 'c', accountId: isOther ? 'x' : 'u' }, 60);
      await tokens.upsert(id, { ...exchanged, subjectGrantId: `grant-${id}` }, 60);
    }
    await store.revokeOwner(owner);
    expect(await tokens.find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
    expect(await tokens.find(OTHER)).toBeDefined();
    await until(() => there.revoked.length > 0);
    expect(there.revoked).toEqual([tokenKey(ID)]);
    const late = tokens.upsert(`${ID}-late`, { ...exchanged, subjectGrantId: `grant-${ID}` }, 60, requestedAt);
    await expect(late).rejects.toThrow(GrantRevokedError);
  });

  test('distinguishes a client from a user with the same name', async () => {
    const { store } = await start();
    await store.records('AccessToken', SECRET).upsert(ID, { clientId: 'same' }, 60);
    await store.records('AccessToken', SECRET).upsert(OTHER, { clientId: 'other', accountId: 'same' }, 60);
    await store.revokeOwner({ client: 'same' });
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await store.records('AccessToken', SECRET).find(OTHER)).toBeDefined();
    expect(await store.isRevokedSince([{ user: 'same' }], 0)).toBe(false);
  });

  test('destroys the aliases of a session and a device code with them', async () => {
    const { store } = await start();
    await store.records('Session', SECRET).upsert(ID, { accountId: 'u', uid: 'uid-1' }, 60);
    await store.records('DeviceCode', SECRET).upsert(OTHER, { accountId: 'u', userCode: 'CODE' }, 60);
    await store.revokeOwner(USER);
    expect(await store.records('Session', SECRET).findByUid('uid-1')).toBeUndefined();
    expect(await store.records('DeviceCode', SECRET).findByUserCode('CODE')).toBeUndefined();
  });

  test('refuses a write that began before its owner was revoked, and accepts later ones', async () => {
    const { store } = await start();
    const requestedAt = Date.now() - 5;
    await store.revokeOwner(CLIENT);
    const payload = { clientId: 'c', signingInput: 'aa.bb' };
    const late = store.records('ClientCredentials', SECRET).upsert(ID, payload, 60, requestedAt);
    await expect(late).rejects.toThrow(GrantRevokedError);
    expect(await store.records('ClientCredentials', SECRET).find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
    await store.records('ClientCredentials', SECRET).upsert(OTHER, payload, 60, Date.now() + 1000);
    expect(await store.splitEntries.find(OTHER)).toBe('aa.bb');
  });

  test('refuses every later write for an owner that is revoked permanently', async () => {
    const { store } = await start();
    await store.revokeOwner(CLIENT, { permanently: true });
    const late = store.records('AccessToken', SECRET).upsert(ID, { clientId: 'c' }, 60, Date.now() + 60_000);
    await expect(late).rejects.toThrow(GrantRevokedError);
    expect(await store.isRevokedSince([USER, CLIENT], Date.now() + 60_000)).toBe(true);
  });

  test('remembers when an owner was revoked, even after clear', async () => {
    const { store } = await start();
    expect(await store.isRevokedSince([CLIENT, USER], Date.now())).toBe(false);
    await store.revokeOwner(USER);
    const [before, after] = [Date.now() - 60_000, Date.now() + 60_000];
    await store.clear();
    expect(await store.isRevokedSince([CLIENT, USER], before)).toBe(true);
    expect(await store.isRevokedSince([CLIENT, USER], after)).toBe(false);
    expect(await store.isRevokedSince([CLIENT], before)).toBe(false);
    expect(await store.isRevokedSince([], before)).toBe(false);
  });

  test('revokes more records than one write can destroy', async () => {
    const { store } = await start();
    const ids = Array.from({ length: 700 }, (_, index) => `${ID}-${index}`);
    await Promise.all(ids.map((id) => store.records('ClientCredentials', SECRET).upsert(id, { clientId: 'c' }, 60)));
    await store.revokeOwner(CLIENT);
    const found = await Promise.all(ids.map((id) => store.records('ClientCredentials', SECRET).find(id)));
    expect(found.filter((record) => record !== undefined)).toEqual([]);
  });

  test('leaves no token when a client is revoked at any point of a token request', async () => {
    const { store, underTest } = await start();
    const elsewhere = await underTest.another();
    let refused = 0;
    const round = async (index: number) => {
      const [clientId, used, issued] = [`client-${index}`, `${OTHER}-${index}`, `${ID}-${index}`];
      await store.records('RefreshToken', SECRET).upsert(used, { clientId, accountId: 'u', grantId: 'g' }, 60);
      const work = store.begin(SECRET);
      const requestedAt = Date.now();
      const payload = { clientId, accountId: 'u', grantId: 'g', signingInput: 'a.b' };
      await work.records('RefreshToken').consume(used);
      await work.records('AccessToken').upsert(issued, payload, 60, requestedAt);
      const revoke = async () => {
        for (let wait = index % 7; wait > 0; wait--) await elsewhere.ping();
        await elsewhere.revokeOwner({ client: clientId });
      };
      const revokedFirst = index % 2 === 0 ? revoke() : undefined;
      const [committed, revoked] = await Promise.allSettled([work.commit(), revokedFirst ?? revoke()]);
      if (committed.status === 'rejected') refused++;
      expect(revoked.status).toBe('fulfilled');
      expect(await store.records('AccessToken', SECRET).find(issued)).toBeUndefined();
      expect(await store.splitEntries.find(issued)).toBeUndefined();
      expect(await store.records('RefreshToken', SECRET).find(used)).toBeUndefined();
    };
    for (let batch = 0; batch < 4; batch++) {
      await Promise.all(Array.from({ length: 28 }, (_, index) => round(batch * 28 + index)));
    }
    expect(refused).toBeGreaterThan(0);
  });
}
