import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { createSigningKey } from '../testing/authorization_server.ts';
import { api, buildHouse, type House } from '../testing/house.ts';

let house: House;
beforeEach(async () => {
  house = await buildHouse(({ cache }) => ({ cache: { ...cache, shared: true } }));
});
afterEach(() => house.stop());

/** What another gateway does not have: the first level. */
function forgetFirstLevel(): void {
  house.store.disconnect();
  house.store.connect();
}

/** A token that some gateway has used already. */
async function usedToken(claims = {}): Promise<string> {
  const token = await house.issueReference(api('phantom'), claims);
  expect((await house.call('/phantom', token)).status).toBe(200);
  await until(() => house.store.answers.has(token));
  forgetFirstLevel();
  house.upstream.seen.length = 0;
  return token;
}

const introspections = () => house.authorizationServer.introspections.length;

test('a token that one gateway has found out about needs no introspection at another', async () => {
  const token = await usedToken();
  expect((await house.call('/phantom', token)).status).toBe(200);
  expect((await house.call('/phantom', token)).status).toBe(200);
  expect(house.cacheLevels()).toEqual(['miss', 'shared', 'hit']);
  expect(introspections()).toBe(1);
  expect(house.upstream.seen[0]?.headers.authorization).toBe(`Bearer ${house.authorizationServer.active.get(token)}`);
});

test('the scopes are looked at whatever the level', async () => {
  const token = await usedToken();
  expect((await house.call('/phantom', token, { method: 'DELETE' })).status).toBe(403);
});

test('it is usable for no longer than it was at the gateway that shared it', async () => {
  const token = await usedToken();
  house.clock.time += 59_000;
  expect((await house.call('/phantom', token)).status).toBe(200);
  house.clock.time += 1_000;
  forgetFirstLevel();
  expect((await house.call('/phantom', token)).status).toBe(200);
  expect(house.cacheLevels()).toEqual(['miss', 'shared', 'miss']);
});

test('a revoked token is gone from it', async () => {
  const token = await usedToken();
  house.authorizationServer.active.delete(token);
  house.store.revoke(token);
  expect((await house.call('/phantom', token)).status).toBe(401);
});

test('it serves while revocations cannot be heard, since the store itself deletes from it', async () => {
  const token = await usedToken();
  house.store.disconnect();
  expect((await house.call('/phantom', token)).status).toBe(200);
  house.authorizationServer.active.delete(token);
  house.store.revoke(token);
  expect((await house.call('/phantom', token)).status).toBe(401);
  expect(house.cacheLevels()).toEqual(['miss', 'shared', 'bypass']);
});

test('when its signing key has left the JWKS, the authorization server is asked', async () => {
  const token = await usedToken();
  const next = await createSigningKey('key-2');
  house.authorizationServer.keys = [next];
  const jwt = await house.authorizationServer.issue({ aud: api('phantom') }, { key: next });
  house.authorizationServer.active.set(token, jwt);
  house.clock.time += 300_000;
  await until(async () => (await house.call('/phantom', token)).status === 200);
  expect(house.upstream.seen.at(-1)?.headers.authorization).toBe(`Bearer ${jwt}`);
});

describe('A poisoned entry does not get through, and does not keep the token out', () => {
  const entry = (jwt: string, changes = {}) =>
    JSON.stringify({
      partition: JSON.parse(house.store.answers.values().next().value ?? '{}').partition,
      jwt,
      usableUntil: house.clock.time + 60_000,
      ...changes,
    });

  test.each<[string, () => Promise<string>]>([
    ['a JWT of another key', async () => entry(await issueWith(await createSigningKey('key-1')))],
    ['a JWT for another API', async () => entry(await house.authorizationServer.issue({ aud: api('other') }))],
    [
      'a JWT that has expired',
      async () => entry(await house.authorizationServer.issue({ aud: api('phantom'), exp: 9 })),
    ],
    [
      'a JWT that the gateway is said to have made',
      async () => entry(await issueWith(await createSigningKey('own')), { maker: 'gateway' }),
    ],
    ['no JWT', async () => entry('a.b.c')],
    ['another partition', async () => entry(await issueWith(), { partition: 'x' })],
    ['a past time', async () => entry(await issueWith(), { usableUntil: house.clock.time })],
    ['a text for a time', async () => entry(await issueWith(), { usableUntil: 'later' })],
    ['no JSON', async () => 'nonsense'],
    ['null', async () => 'null'],
  ])('%s', async (_, poison) => {
    const token = await usedToken();
    house.store.answers.set(token, await poison());
    const response = await house.call('/phantom', token);
    expect(response.status).toBe(200);
    const [seen] = house.upstream.seen;
    expect(seen?.headers.authorization).toBe(`Bearer ${house.authorizationServer.active.get(token)}`);

    forgetFirstLevel();
    house.store.answers.set(token, await poison());
    house.authorizationServer.active.delete(token);
    expect((await house.call('/phantom', token)).status).toBe(401);
  });

  const issueWith = (key = house.authorizationServer.key) =>
    house.authorizationServer.issue({ aud: api('phantom'), scope: 'read write' }, { key });
});

describe('The second level helps, and is never needed', () => {
  test('when the store is down', async () => {
    const token = await usedToken();
    house.store.unavailable = true;
    expect((await house.call('/phantom', token)).status).toBe(200);
    expect(introspections()).toBe(2);
  });

  test('when the store is silent', async () => {
    const token = await usedToken();
    house.store.sharedAnswers.find = () => new Promise(() => {});
    expect((await house.call('/phantom', token)).status).toBe(200);
    expect(introspections()).toBe(2);
  });
});

test('only phantom tokens are shared', async () => {
  const signature = await house.issueSplit(api('split'));
  const jwt = await house.authorizationServer.issue({ aud: api('jwt') });
  expect((await house.call('/split', signature)).status).toBe(200);
  expect((await house.call('/jwt', jwt)).status).toBe(200);
  expect((await house.call('/opaque', 'x'.repeat(43))).status).toBe(200);
  expect(house.store.answers.size).toBe(0);
});

test('nothing is shared that may not be cached, nor of a token that is not active', async () => {
  house.authorizationServer.maxAge = undefined;
  expect((await house.call('/phantom', await house.issueReference(api('phantom')))).status).toBe(200);
  expect((await house.call('/phantom', 'x'.repeat(43))).status).toBe(401);
  expect(house.store.answers.size).toBe(0);
});

test('nothing is shared unless it is configured', async () => {
  await house.stop();
  house = await buildHouse();
  expect((await house.call('/phantom', await house.issueReference(api('phantom')))).status).toBe(200);
  expect(house.store.answers.size).toBe(0);
});
