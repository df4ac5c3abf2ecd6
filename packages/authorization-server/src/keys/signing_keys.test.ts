import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { TokenStore } from '@tallystick/token-store';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
} from 'jose';
import type { SigningAlgorithm } from '../config/config.ts';
import { resourceOf, startTestServer, type TestServer, withWebClients } from '../testing/test_server.ts';
import { type KeySource, openSigningKeys } from './signing_keys.ts';

let server: TestServer;
let now: number;
beforeEach(async () => {
  now = Date.now();
  server = await startTestServer(withWebClients, { now: () => now });
});
afterEach(() => server.stop());

async function publishedKids(): Promise<string[]> {
  const { keys } = (await (await fetch(`${server.issuer}/jwks`)).json()) as { keys: { kid: string; d?: string }[] };
  expect(keys.filter(({ d }) => d !== undefined)).toEqual([]);
  return keys.map(({ kid }) => kid);
}

async function signingKid(): Promise<string | undefined> {
  const answer = await fetch(`${server.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('jwt') }),
  });
  return decodeProtectedHeader(((await answer.json()) as { access_token: string }).access_token).kid;
}

describe('a rotation', () => {
  test('announces, signs and retires', async () => {
    const [before] = await publishedKids();
    const listed = await server.keys.rotate({ announceFor: 10_000 });
    expect(listed.map(({ status }) => status)).toEqual(['signing', 'announced']);
    expect(JSON.stringify(listed)).not.toContain('"d"');
    const after = listed[1]?.kid;
    expect(await publishedKids()).toEqual([before, after]);
    expect(await signingKid()).toBe(before);

    now += 10_000;
    expect(await signingKid()).toBe(after);
    expect(await publishedKids()).toEqual([after, before]);

    now += 3_600_000 + 10_000;
    expect(await publishedKids()).toEqual([after]);
  });

  test('takes effect at every authorization server on the store', async () => {
    const first = server;
    await server.replaceWithAnother();
    const before = await signingKid();
    const listed = await first.keys.rotate({ announceFor: 0 });
    now += 1_000;
    expect(await signingKid()).toBe(listed[0]?.kid);
    expect(await signingKid()).not.toBe(before);
  });

  test('is in the JWKS of every other authorization server on the store immediately', async () => {
    const first = server;
    await server.replaceWithAnother();
    await publishedKids();
    const [signing] = await first.keys.rotate({ announceFor: 0 });
    expect((await publishedKids())[0]).toBe(signing?.kid);
  });

  test('publishes public keys before the new key signs', async () => {
    const published: string[][] = [];
    const keys = await openSigningKeys(
      { signingAlgorithm: 'ES256', secret: 'x' },
      () => ({ algorithms: ['ES256'], longestLife: 60 }),
      {
        store: server.store.partition('published'),
        now: () => now,
        onPublish(jwks) {
          expect(JSON.stringify(jwks)).not.toContain('"d"');
          published.push(jwks.keys.map(({ kid }) => String(kid)));
        },
      },
    );
    const [first] = await keys.list();
    const rotated = await keys.rotate({ announceFor: 0 });
    expect(published).toEqual([[first?.kid], rotated.map(({ kid }) => kid)]);
  });

  test('accepts a given key, as JWK or PEM', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey);
    await server.keys.rotate({ announceFor: 0, key: { ...jwk, kid: 'mine' } });
    expect(await signingKid()).toBe('mine');
    const pem = await exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey);
    const [listed] = await server.keys.rotate({ announceFor: 0, key: pem });
    expect(await signingKid()).toBe(listed?.kid);
  });

  test.each([
    [
      'a key for another algorithm',
      async () => exportJWK((await generateKeyPair('RS256', { extractable: true })).privateKey),
    ],
    ['a public key', async () => exportJWK((await generateKeyPair('ES256')).publicKey)],
    ['text that is not a key', async () => 'nonsense'],
    [
      'the kid of another key',
      async () => ({
        ...(await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)),
        kid: (await publishedKids())[0] as string,
      }),
    ],
  ])('with %s is refused and changes nothing', async (_what, make) => {
    const before = await publishedKids();
    const key = await make();
    await expect(server.keys.rotate({ key })).rejects.toThrow(TypeError);
    now += 1_000;
    expect(await publishedKids()).toEqual(before);
  });
});

describe('two authorization servers on one store with different algorithms', () => {
  const open = (algorithms: SigningAlgorithm[], longestLife: number) =>
    openSigningKeys({ signingAlgorithm: 'ES256', secret: 'x' }, () => ({ algorithms, longestLife }), {
      store: server.store.partition('of two'),
      now: () => now,
    });
  const shown = async (keys: KeySource) => (await keys.list()).map(({ kid, algorithm }) => [algorithm, kid]);

  test('publish and sign with the same keys', async () => {
    const [one, other] = await Promise.all([open(['ES256', 'EdDSA'], 60), open(['ES256'], 60)]);
    const third = await open(['ES256', 'EdDSA', 'PS256'], 60);
    const known = await shown(third);
    expect(known.map(([algorithm]) => algorithm).sort()).toEqual(['ES256', 'EdDSA', 'PS256']);
    expect((await shown(one)).sort()).toEqual(known.sort());
    expect((await shown(other)).sort()).toEqual(known.sort());
    await other.rotate({ algorithm: 'EdDSA', announceFor: 0 });
    expect(await shown(one)).toEqual(await shown(other));
  });

  test('keep keys as long as tokens of either server need them', async () => {
    const [long, short] = [await open(['ES256'], 600), await open(['ES256'], 60)];
    const old = (await long.list())[0]?.kid;
    await short.rotate({ announceFor: 0 });
    const middle = (await long.list())[0]?.kid; // The server reads the key, and extends it for its own tokens.
    await short.rotate({ announceFor: 0 });
    const kids = async () => (await short.list()).map(({ kid }) => kid);
    now += 500_000;
    expect(await kids()).toEqual(expect.arrayContaining([old, middle]));
    now += 120_000;
    expect(await kids()).toEqual([(await long.list())[0]?.kid]);
  });

  test('accept a key for an algorithm before an API uses it', async () => {
    const keys = await open(['ES256'], 60);
    const jwk = await exportJWK((await generateKeyPair('RS256', { extractable: true })).privateKey);
    await keys.rotate({ algorithm: 'RS256', announceFor: 0, key: { ...jwk, kid: 'given' } });
    expect(await shown(await open(['ES256', 'RS256'], 60))).toContainEqual(['RS256', 'given']);
  });
});

describe('a store that loses the signing keys', () => {
  /** A store that loses all entries when told to forget. */
  function forgetful() {
    let part = 0;
    const current = () => server.store.partition(`forgets.${part}`);
    const store = {
      ...server.store,
      keepFirst: (...given) => current().keepFirst(...given),
      readKept: (...given) => current().readKept(...given),
      changeKept: (...given) => current().changeKept(...given),
    } satisfies TokenStore as TokenStore;
    const forget = () => {
      part += 1;
    };
    return { store, forget };
  }
  const kidsOf = (keys: KeySource) => keys.jwks().keys.map(({ kid }) => kid);

  test.each([
    ['rereading its keys', (keys: KeySource) => keys.reread()],
    ['rotating a key', (keys: KeySource) => keys.rotate()],
    ['providing another algorithm', (keys: KeySource) => keys.provide({ algorithms: ['EdDSA'], longestLife: 60 })],
  ])('gets them back from a server that is %s', async (_what, act) => {
    const { store, forget } = forgetful();
    const config = { signingAlgorithm: 'ES256', secret: 'x' } as const;
    const needs = () => ({ algorithms: ['ES256'] as const, longestLife: 60 });
    const keys = await openSigningKeys(config, needs, { store, now: () => now });
    const [first] = kidsOf(keys);
    forget();
    await act(keys);
    expect(kidsOf(keys)[0]).toBe(first);
    const another = await openSigningKeys(config, needs, { store, now: () => now });
    expect(kidsOf(another)).toEqual(kidsOf(keys));
  });

  test('gets them back also after a new server made other keys, and both servers publish all', async () => {
    const { store, forget } = forgetful();
    const config = { signingAlgorithm: 'ES256', secret: 'x' } as const;
    const needs = () => ({ algorithms: ['ES256'] as const, longestLife: 60 });
    let restorations = 0;
    const onRestore = () => {
      restorations += 1;
    };
    const keys = await openSigningKeys(config, needs, { store, now: () => now, onRestore });
    const [lost] = kidsOf(keys);
    forget();
    now += 5_000;
    const another = await openSigningKeys(config, needs, { store, now: () => now });
    const [made] = kidsOf(another);
    await keys.reread();
    await another.reread();
    for (const each of [keys, another]) expect(kidsOf(each)).toEqual([made, lost]);
    await keys.reread();
    expect(restorations).toBe(1);
  });
});

describe('a configured key', () => {
  test.each([
    ['PEM', async (key: CryptoKey) => exportPKCS8(key)],
    ['JWK', async (key: CryptoKey) => JSON.stringify(await exportJWK(key))],
  ])('signs first, given as %s', async (_form, write) => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const { d: _private, ...jwk } = await exportJWK(privateKey);
    await server.stop();
    const signingKey = await write(privateKey);
    server = await startTestServer((config) => ({ ...withWebClients(config), signingKey }));
    expect(await signingKid()).toBe(await calculateJwkThumbprint(jwk));
  });

  test('is not quoted in the error if it is invalid', async () => {
    const config = { signingAlgorithm: 'ES256', secret: 'x', signingKey: 'not-a-key' } as const;
    const opened = openSigningKeys(config, () => ({ algorithms: ['ES256'], longestLife: 0 }), {
      store: server.store,
      now: Date.now,
    });
    await expect(opened).rejects.toThrow('expected a private key for ES256 as PEM (PKCS #8) or JWK');
  });
});
