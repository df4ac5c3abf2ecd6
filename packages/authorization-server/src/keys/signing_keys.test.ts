import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  decodeProtectedHeader,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
} from 'jose';
import { type Served, serve } from '../testing/serve.ts';
import { resourceOf } from '../testing/test_server.ts';
import { openSigningKeys } from './signing_keys.ts';

let served: Served;
let now: number;
beforeEach(async () => {
  now = Date.now();
  served = await serve({ now: () => now });
});
afterEach(() => served.stop());

async function publishedKids(): Promise<string[]> {
  const { keys } = (await (await fetch(`${served.issuer}/jwks`)).json()) as { keys: { kid: string; d?: string }[] };
  expect(keys.filter(({ d }) => d !== undefined)).toEqual([]);
  return keys.map(({ kid }) => kid);
}

async function signingKid(): Promise<string | undefined> {
  const answer = await fetch(`${served.issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa('service:service-secret')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: resourceOf('jwt') }),
  });
  return decodeProtectedHeader(((await answer.json()) as { access_token: string }).access_token).kid;
}

describe('a rotation', () => {
  test('announces, signs and retires', async () => {
    const [before] = await publishedKids();
    const listed = await served.authorizationServer.keys.rotate({ announceFor: 10_000 });
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

  test('at one authorization server is one at every other on the store', async () => {
    const first = served.authorizationServer;
    await served.replaceWithAnother();
    const before = await signingKid();
    const listed = await first.keys.rotate({ announceFor: 0 });
    now += 1_000;
    expect(await signingKid()).toBe(listed[0]?.kid);
    expect(await signingKid()).not.toBe(before);
  });

  test('can be to a given key, as JWK or PEM', async () => {
    const jwk = await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey);
    await served.authorizationServer.keys.rotate({ announceFor: 0, key: { ...jwk, kid: 'mine' } });
    expect(await signingKid()).toBe('mine');
    const pem = await exportPKCS8((await generateKeyPair('ES256', { extractable: true })).privateKey);
    const [listed] = await served.authorizationServer.keys.rotate({ announceFor: 0, key: pem });
    expect(await signingKid()).toBe(listed?.kid);
  });

  test.each([
    [
      'a key for another algorithm',
      async () => exportJWK((await generateKeyPair('RS256', { extractable: true })).privateKey),
    ],
    ['a public key', async () => exportJWK((await generateKeyPair('ES256')).publicKey)],
    ['no key', async () => 'nonsense'],
    [
      'the kid of another',
      async () => ({
        ...(await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey)),
        kid: (await publishedKids())[0] as string,
      }),
    ],
  ])('to %s is refused and changes nothing', async (_what, make) => {
    const before = await publishedKids();
    const key = await make();
    await expect(served.authorizationServer.keys.rotate({ key })).rejects.toThrow(TypeError);
    now += 1_000;
    expect(await publishedKids()).toEqual(before);
  });
});

describe('a configured key', () => {
  test.each([
    ['PEM', async (key: CryptoKey) => exportPKCS8(key)],
    ['JWK', async (key: CryptoKey) => JSON.stringify(await exportJWK(key))],
  ])('signs first, given as %s', async (_form, write) => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const { d: _private, ...jwk } = await exportJWK(privateKey);
    await served.stop();
    served = await serve({ signingKey: await write(privateKey) });
    expect(await signingKid()).toBe(await calculateJwkThumbprint(jwk));
  });

  test('that is none stops the start without being quoted', async () => {
    const config = { signingAlgorithm: 'ES256', secret: 'x', signingKey: 'not-a-key' } as const;
    const opened = openSigningKeys(config, () => 0, { store: served.store, now: Date.now });
    await expect(opened).rejects.toThrow('expected a private key for ES256 as PEM (PKCS #8) or JWK');
  });
});
