import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@tallystick/testing/until';
import { createSigningKey } from '../testing/authorization_server.ts';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(({ cache }) => ({ cache: { ...cache, shared: true } }));
});
afterEach(() => fixture.stop());

/** What another gateway does not have: the first level. */
function forgetFirstLevel(): void {
  fixture.store.disconnect();
  fixture.store.connect();
}

/** A token that some gateway has used already. */
async function usedToken(claims = {}): Promise<string> {
  const token = await fixture.issueReference(api('phantom'), claims);
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  await until(() => fixture.store.answers.has(token));
  forgetFirstLevel();
  fixture.upstream.seen.length = 0;
  return token;
}

const introspections = () => fixture.authorizationServer.introspections.length;

test('a token that one gateway has found out about needs no introspection at another', async () => {
  const token = await usedToken();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'hit']);
  expect(introspections()).toBe(1);
  expect(fixture.upstream.seen[0]?.headers.authorization).toBe(
    `Bearer ${fixture.authorizationServer.active.get(token)}`,
  );
});

test('the scopes are looked at whatever the level', async () => {
  const token = await usedToken();
  expect((await fixture.call('/phantom', token, { method: 'DELETE' })).status).toBe(403);
});

test('it is usable for no longer than it was at the gateway that shared it', async () => {
  const token = await usedToken();
  fixture.clock.time += 59_000;
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  fixture.clock.time += 1_000;
  forgetFirstLevel();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'miss']);
});

test('a revoked token is gone from it', async () => {
  const token = await usedToken();
  fixture.authorizationServer.active.delete(token);
  fixture.store.revoke(token);
  expect((await fixture.call('/phantom', token)).status).toBe(401);
});

test('it serves while revocations cannot be heard, since the store itself deletes from it', async () => {
  const token = await usedToken();
  fixture.store.disconnect();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  fixture.authorizationServer.active.delete(token);
  fixture.store.revoke(token);
  expect((await fixture.call('/phantom', token)).status).toBe(401);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'bypass']);
});

test('when its signing key has left the JWKS, the authorization server is asked', async () => {
  const token = await usedToken();
  const next = await createSigningKey('key-2');
  fixture.authorizationServer.keys = [next];
  const jwt = await fixture.authorizationServer.issue({ aud: api('phantom') }, { key: next });
  fixture.authorizationServer.active.set(token, jwt);
  fixture.clock.time += 300_000;
  await until(async () => (await fixture.call('/phantom', token)).status === 200);
  expect(fixture.upstream.seen.at(-1)?.headers.authorization).toBe(`Bearer ${jwt}`);
});

describe('A poisoned entry does not get through, and does not keep the token out', () => {
  const entry = (jwt: string, changes = {}) =>
    JSON.stringify({
      partition: JSON.parse(fixture.store.answers.values().next().value ?? '{}').partition,
      jwt,
      usableUntil: fixture.clock.time + 60_000,
      ...changes,
    });

  test.each<[string, () => Promise<string>]>([
    ['a JWT of another key', async () => entry(await issueWith(await createSigningKey('key-1')))],
    ['a JWT for another API', async () => entry(await fixture.authorizationServer.issue({ aud: api('other') }))],
    [
      'a JWT that has expired',
      async () => entry(await fixture.authorizationServer.issue({ aud: api('phantom'), exp: 9 })),
    ],
    [
      'a JWT that the gateway is said to have made',
      async () => entry(await issueWith(await createSigningKey('own')), { maker: 'gateway' }),
    ],
    ['no JWT', async () => entry('a.b.c')],
    ['another partition', async () => entry(await issueWith(), { partition: 'x' })],
    ['a past time', async () => entry(await issueWith(), { usableUntil: fixture.clock.time })],
    ['a text for a time', async () => entry(await issueWith(), { usableUntil: 'later' })],
    ['no JSON', async () => 'nonsense'],
    ['null', async () => 'null'],
  ])('%s', async (_, poison) => {
    const token = await usedToken();
    fixture.store.answers.set(token, await poison());
    const response = await fixture.call('/phantom', token);
    expect(response.status).toBe(200);
    const [seen] = fixture.upstream.seen;
    expect(seen?.headers.authorization).toBe(`Bearer ${fixture.authorizationServer.active.get(token)}`);

    forgetFirstLevel();
    fixture.store.answers.set(token, await poison());
    fixture.authorizationServer.active.delete(token);
    expect((await fixture.call('/phantom', token)).status).toBe(401);
  });

  const issueWith = (key = fixture.authorizationServer.key) =>
    fixture.authorizationServer.issue({ aud: api('phantom'), scope: 'read write' }, { key });
});

describe('The second level helps, and is never needed', () => {
  test('when the store is down', async () => {
    const token = await usedToken();
    fixture.store.unavailable = true;
    expect((await fixture.call('/phantom', token)).status).toBe(200);
    expect(introspections()).toBe(2);
  });

  test('when the store is silent', async () => {
    const token = await usedToken();
    fixture.store.sharedAnswers.find = () => new Promise(() => {});
    expect((await fixture.call('/phantom', token)).status).toBe(200);
    expect(introspections()).toBe(2);
  });
});

test('only phantom tokens are shared', async () => {
  const signature = await fixture.issueSplit(api('split'));
  const jwt = await fixture.authorizationServer.issue({ aud: api('jwt') });
  expect((await fixture.call('/split', signature)).status).toBe(200);
  expect((await fixture.call('/jwt', jwt)).status).toBe(200);
  expect((await fixture.call('/opaque', 'x'.repeat(43))).status).toBe(200);
  expect(fixture.store.answers.size).toBe(0);
});

test('nothing is shared that may not be cached, nor of a token that is not active', async () => {
  fixture.authorizationServer.maxAge = undefined;
  expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
  expect((await fixture.call('/phantom', 'x'.repeat(43))).status).toBe(401);
  expect(fixture.store.answers.size).toBe(0);
});

test('nothing is shared unless it is configured', async () => {
  await fixture.stop();
  fixture = await startGatewayFixture();
  expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
  expect(fixture.store.answers.size).toBe(0);
});
