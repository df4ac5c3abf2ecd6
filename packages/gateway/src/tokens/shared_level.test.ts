import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSigningKey } from '@tallystick/testing/signing_key';
import { until } from '@tallystick/testing/until';
import { api, type GatewayFixture, startGatewayFixture } from '../testing/gateway_fixture.ts';

let fixture: GatewayFixture;
beforeEach(async () => {
  fixture = await startGatewayFixture(({ cache }) => ({ cache: { ...cache, shared: true } }));
});
afterEach(() => fixture.stop());

/** Empties the first level of the cache, so that this gateway stands for another one. */
function forgetFirstLevel(): void {
  fixture.store.disconnect();
  fixture.store.connect();
}

/** A token that a gateway has already looked up and shared. */
async function usedToken(claims = {}): Promise<string> {
  const token = await fixture.issueReference(api('phantom'), claims);
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  await until(() => fixture.store.answers.has(token));
  forgetFirstLevel();
  fixture.upstream.seen.length = 0;
  return token;
}

const introspections = () => fixture.authorizationServer.introspections.length;

test('a token that one gateway has introspected needs no introspection at another', async () => {
  const token = await usedToken();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'hit']);
  expect(introspections()).toBe(1);
  expect(fixture.upstream.seen[0]?.headers.authorization).toBe(
    `Bearer ${fixture.authorizationServer.active.get(token)}`,
  );
});

test('scopes are checked for a token from the shared level', async () => {
  const token = await usedToken();
  expect((await fixture.call('/phantom', token, { method: 'DELETE' })).status).toBe(403);
});

test('an entry expires when it would at the gateway that shared it', async () => {
  const token = await usedToken();
  fixture.clock.time += 59_000;
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  fixture.clock.time += 1_000;
  forgetFirstLevel();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'miss']);
});

test('a revoked token is removed', async () => {
  const token = await usedToken();
  fixture.authorizationServer.active.delete(token);
  fixture.store.revoke(token);
  expect((await fixture.call('/phantom', token)).status).toBe(401);
});

test('it is used while the feed is disconnected, because the store itself removes revoked tokens', async () => {
  const token = await usedToken();
  fixture.store.disconnect();
  expect((await fixture.call('/phantom', token)).status).toBe(200);
  fixture.authorizationServer.active.delete(token);
  fixture.store.revoke(token);
  expect((await fixture.call('/phantom', token)).status).toBe(401);
  expect(fixture.cacheLevels()).toEqual(['miss', 'shared', 'bypass']);
});

test('a token is introspected again when its signing key has left the JWKS', async () => {
  const token = await usedToken();
  const next = await createSigningKey('key-2');
  fixture.authorizationServer.keys = [next];
  const jwt = await fixture.authorizationServer.issue({ aud: api('phantom') }, { key: next });
  fixture.authorizationServer.active.set(token, jwt);
  fixture.clock.time += 300_000;
  await until(async () => (await fixture.call('/phantom', token)).status === 200);
  expect(fixture.upstream.seen.at(-1)?.headers.authorization).toBe(`Bearer ${jwt}`);
});

describe('A poisoned entry is ignored, and the token is looked up', () => {
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
      'a JWT that claims to be made by the gateway',
      async () => entry(await issueWith(await createSigningKey('own')), { maker: 'gateway' }),
    ],
    ['a malformed JWT', async () => entry('a.b.c')],
    ['another partition', async () => entry(await issueWith(), { partition: 'x' })],
    ['an expired entry', async () => entry(await issueWith(), { usableUntil: fixture.clock.time })],
    ['a string as its time', async () => entry(await issueWith(), { usableUntil: 'later' })],
    ['invalid JSON', async () => 'nonsense'],
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

describe('The gateway works without the shared level', () => {
  test('when the store is down', async () => {
    const token = await usedToken();
    fixture.store.unavailable = true;
    expect((await fixture.call('/phantom', token)).status).toBe(200);
    expect(introspections()).toBe(2);
  });

  test('when the store does not answer', async () => {
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

test('answers that may not be cached, and inactive tokens, are not shared', async () => {
  fixture.authorizationServer.maxAge = undefined;
  expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
  expect((await fixture.call('/phantom', 'x'.repeat(43))).status).toBe(401);
  expect(fixture.store.answers.size).toBe(0);
});

test('nothing is shared by default', async () => {
  await fixture.stop();
  fixture = await startGatewayFixture();
  expect((await fixture.call('/phantom', await fixture.issueReference(api('phantom')))).status).toBe(200);
  expect(fixture.store.answers.size).toBe(0);
});
