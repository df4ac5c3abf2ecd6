import { expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { GrantRevokedError, tokenKey } from '../index.ts';
import { ID, OTHER, SECRET, type Start } from './store_under_test.ts';

/** Behaviour of every token store for records. */
export function describeRecords(start: Start): void {
  test('finds a record with its payload by its id', async () => {
    const { store } = await start();
    await store
      .records('AccessToken', SECRET)
      .upsert(ID, { jti: ID, kind: 'AccessToken', scope: 'read', extra: { a: [1] } }, 60);
    expect(await store.records('AccessToken', SECRET).find(ID)).toEqual({
      jti: ID,
      kind: 'AccessToken',
      scope: 'read',
      extra: { a: [1] },
    });
  });

  test('accepts a lifetime with fractions of a second', async () => {
    const { store } = await start();
    const records = store.records('ReplayDetection', SECRET);
    await records.upsert(ID, { jti: ID, clientId: 'c', signingInput: 'aa.bb' }, 59.5);
    await records.upsertAnonymous(OTHER, { jti: OTHER }, 0.5);
    expect(await records.find(ID)).toMatchObject({ clientId: 'c' });
    expect(await store.splitEntries.find(ID)).toBe('aa.bb');
    await until(async () => (await records.find(OTHER)) === undefined);
  });

  test('finds nothing under an unknown id, or under the id of another kind', async () => {
    const { store } = await start();
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID }, 60);
    expect(await store.records('AccessToken', SECRET).find(OTHER)).toBeUndefined();
    expect(await store.records('RefreshToken', SECRET).find(ID)).toBeUndefined();
  });

  test('replaces a record, which stays consumed', async () => {
    const { store } = await start();
    const records = store.records('DeviceCode', SECRET);
    await records.upsert(ID, { jti: ID, step: 1 }, 60);
    await records.consume(ID);
    await records.upsert(ID, { jti: ID, step: 2 }, 60);
    expect(await records.find(ID)).toMatchObject({ step: 2, consumed: expect.any(Number) });
  });

  test('deletes a record, its split entry and its list member when it expires', async () => {
    const { store } = await start();
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID, grantId: 'g', signingInput: 'aa.bb' }, 1);
    expect(await store.splitEntries.find(ID)).toBe('aa.bb');
    await until(async () => (await store.records('AccessToken', SECRET).find(ID)) === undefined);
    await until(async () => (await store.splitEntries.find(ID)) === undefined);
  });

  test('tells whether a record of this kind exists, by its token key', async () => {
    const { store } = await start();
    const records = store.records('AccessToken', SECRET);
    await records.upsert(ID, { jti: ID }, 60);
    expect(await records.has(tokenKey(ID))).toBe(true);
    expect(await records.has(ID)).toBe(false);
    expect(await store.records('RefreshToken', SECRET).has(tokenKey(ID))).toBe(false);
    await records.destroy(ID);
    expect(await records.has(tokenKey(ID))).toBe(false);
  });

  test('does not write a record that has already expired', async () => {
    const { store } = await start();
    await store.records('AccessToken', SECRET).upsert(ID, { jti: ID, signingInput: 'aa.bb' }, 0);
    expect(await store.records('AccessToken', SECRET).find(ID)).toBeUndefined();
    expect(await store.splitEntries.find(ID)).toBeUndefined();
  });

  test('finds a session by its uid, without the session id', async () => {
    const { store } = await start();
    const sessions = store.records('Session', SECRET);
    await sessions.upsert(ID, { jti: ID, uid: 'uid-1', accountId: 'alice' }, 60);
    expect(await sessions.findByUid('uid-1')).toEqual({ uid: 'uid-1', accountId: 'alice' });
    expect(await sessions.find(ID)).toEqual({ jti: ID, uid: 'uid-1', accountId: 'alice' });
    await sessions.destroy(ID);
    expect(await sessions.findByUid('uid-1')).toBeUndefined();
    expect(await sessions.find(ID)).toBeUndefined();
  });

  test('finds a device code by its user code, without the device code', async () => {
    const { store } = await start();
    await store.records('DeviceCode', SECRET).upsert(ID, { jti: ID, userCode: 'WDJB-MJHT', clientId: 'tv' }, 60);
    const found = await store.records('DeviceCode', SECRET).findByUserCode('WDJB-MJHT');
    expect(found).toEqual({ userCode: 'WDJB-MJHT', clientId: 'tv' });
  });

  test('finds a changed device code by its user code, and keeps it consumed', async () => {
    const { store } = await start();
    const codes = store.records('DeviceCode', SECRET);
    await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
    await codes.upsert(OTHER, { jti: OTHER, userCode: 'WDJBMJHT', accountId: 'alice' }, 60); // Who came by user code.
    expect(await codes.find(ID)).toEqual({ jti: ID, userCode: 'WDJBMJHT', accountId: 'alice' });
    await codes.consume(ID);
    expect(await codes.find(ID)).toMatchObject({ accountId: 'alice', consumed: expect.any(Number) });
  });

  test('revokes a device code under its id and its user code', async () => {
    const { store } = await start();
    const codes = store.records('DeviceCode', SECRET);
    await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
    await codes.upsert(OTHER, { jti: OTHER, userCode: 'WDJBMJHT', grantId: 'g' }, 60);
    await codes.revokeByGrantId('g');
    expect(await codes.find(ID)).toBeUndefined();
    expect(await codes.findByUserCode('WDJBMJHT')).toBeUndefined();
  });

  test('lets exactly one of many concurrent calls consume a record', async () => {
    const { store } = await start();
    const records = store.records('AuthorizationCode', SECRET);
    await records.upsert(ID, { jti: ID }, 60);
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => records.consume(ID)));
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await records.find(ID)).toMatchObject({ consumed: expect.any(Number) });
  });

  test('lets exactly one of many concurrent calls advance a record, and writes its payload', async () => {
    const { store, underTest } = await start();
    const [one, other] = [store, await underTest.another()].map((each) => each.records('Request', SECRET));
    await one?.upsert(ID, { jti: ID, decision: 'none' }, 60);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        (index % 2 ? one : other)?.advance(ID, { jti: ID, decision: index, grantId: `grant-${index}` }, 60, 1),
      ),
    );
    expect(outcomes.filter(Boolean)).toHaveLength(1);
    expect(await one?.find(ID)).toMatchObject({ decision: outcomes.indexOf(true) });
  });

  test.each([
    ['the same step', [1, 1], [true, false]],
    ['the next step', [1, 2], [true, true]],
    ['an earlier step', [2, 1], [true, false]],
    ['a skipped step', [2], [true]],
  ])('advances a record only to a higher step: %s', async (_which, steps, answers) => {
    const { store } = await start();
    const records = store.records('Request', SECRET);
    await records.upsert(ID, { jti: ID }, 60);
    const outcomes: boolean[] = [];
    for (const step of steps) outcomes.push(await records.advance(ID, { jti: ID, step }, 60, step));
    expect(outcomes).toEqual(answers);
    expect(await records.find(ID)).toMatchObject({ step: Math.max(...steps) });
  });

  test('advances a device code that was found by its id or by its user code', async () => {
    const { store } = await start();
    const codes = store.records('DeviceCode', SECRET);
    await codes.upsert(ID, { jti: ID, userCode: 'WDJBMJHT' }, 60);
    expect(await codes.advance(OTHER, { jti: OTHER, userCode: 'WDJBMJHT', inFlight: true }, 60, 1)).toBe(true);
    expect(await codes.advance(ID, { jti: ID, userCode: 'WDJBMJHT', accountId: 'bob' }, 60, 1)).toBe(false);
    expect(await codes.advance(ID, { jti: ID, userCode: 'WDJBMJHT', accountId: 'alice' }, 60, 2)).toBe(true);
    expect(await codes.find(ID)).toMatchObject({ accountId: 'alice' });
  });

  test('does not advance a missing record, or one whose grant was revoked meanwhile', async () => {
    const { store } = await start();
    const records = store.records('Request', SECRET);
    expect(await records.advance(ID, { jti: ID }, 60, 1)).toBe(false);
    expect(await records.find(ID)).toBeUndefined();
    await records.upsert(ID, { jti: ID }, 60);
    await records.revokeByGrantId('g');
    const late = records.advance(ID, { jti: ID, grantId: 'g' }, 60, 1, Date.now() - 60_000);
    await expect(late).rejects.toThrow(GrantRevokedError);
    expect(await records.advance(ID, { jti: ID, grantId: 'h' }, 60, 1)).toBe(true);
  });

  test('does not consume, and so does not create, a missing record', async () => {
    const { store } = await start();
    expect(await store.records('AuthorizationCode', SECRET).consume(ID)).toBe(false);
    expect(await store.records('AuthorizationCode', SECRET).find(ID)).toBeUndefined();
  });
}
