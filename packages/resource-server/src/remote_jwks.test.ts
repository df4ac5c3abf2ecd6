import { beforeAll, describe, expect, test } from '@jest/globals';
import { serve } from '@tallystick/testing/serve';
import { createSigningKey, type SigningKey } from '@tallystick/testing/signing_key';
import { createJwtValidator } from './jwt_validator.ts';
import { createRemoteJwks, type RemoteJwks, type RemoteJwksOptions } from './remote_jwks.ts';
import { answering, serveJwks } from './testing/jwks_server.ts';
import { audience, issuedAt, issuer, signAccessToken } from './testing/sign_access_token.ts';

let first: SigningKey;
let second: SigningKey;
beforeAll(async () => {
  first = await createSigningKey('first');
  second = await createSigningKey('second');
});

const unavailable = expect.objectContaining({ code: 'temporarily_unavailable', status: 503 });
const unknownKey = expect.objectContaining({
  code: 'invalid_token',
  description: 'the token is signed with an unknown key',
});

/** A JWKS endpoint, a client for it, the number of fetches that started, and a clock that the test sets. */
async function setUp(options: Partial<RemoteJwksOptions> = {}) {
  const server = await serveJwks(first);
  const clock = { seconds: issuedAt };
  const now = () => clock.seconds * 1000;
  const fetched = { times: 0 };
  const countingFetch: typeof fetch = (...request) => {
    fetched.times += 1;
    return fetch(...request);
  };
  const jwks = createRemoteJwks({ uri: server.uri, ...options }, { now, fetch: countingFetch });
  // The tokens are valid for the whole test, however far it moves the clock.
  const validator = createJwtValidator({ issuer, audience }, { jwks, now });
  const verify = async (key: SigningKey) => {
    const { kid } = await validator.verifyJwt(await signAccessToken(key, { exp: issuedAt + 1_000_000 }));
    return kid;
  };
  return { server, clock, jwks, verify, fetched };
}

describe('remote JWKS', () => {
  test('fetches nothing before the first use, then once', async () => {
    const { jwks, verify, fetched } = await setUp();
    expect([fetched.times, jwks.has('first')]).toEqual([0, false]);
    await verify(first);
    await verify(first);
    expect([fetched.times, jwks.has('first'), jwks.has('second')]).toEqual([1, true, false]);
  });

  test('makes one fetch for many concurrent first uses', async () => {
    const { verify, fetched } = await setUp();
    await Promise.all(Array.from({ length: 50 }, () => verify(first)));
    expect(fetched.times).toBe(1);
  });

  test('finds a key that was published after the last fetch', async () => {
    const { server, clock, verify, fetched } = await setUp();
    await verify(first);
    server.keys = [first, second];
    clock.seconds += 5;
    await expect(verify(second)).resolves.toBe('second');
    expect(fetched.times).toBe(2);
  });

  test('finds a key at once that was published a moment after the last fetch, however often keys rotate', async () => {
    const { server, verify, fetched } = await setUp();
    await verify(first);
    for (let rotation = 1; rotation <= 20; rotation++) {
      const next = await createSigningKey(`rotated ${rotation}`);
      server.keys = [next, ...server.keys];
      await Promise.all(Array.from({ length: 10 }, () => expect(verify(next)).resolves.toBe(next.kid)));
      expect(fetched.times).toBe(1 + rotation);
    }
  });

  test('fetches once for a missing key, and again after the cooldown', async () => {
    const { clock, verify, fetched } = await setUp();
    await verify(first);
    for (const seconds of [0, 4]) {
      clock.seconds += seconds;
      await Promise.all(Array.from({ length: 20 }, () => expect(verify(second)).rejects.toEqual(unknownKey)));
      expect(fetched.times).toBe(2);
    }
    clock.seconds += 1;
    await Promise.all(Array.from({ length: 20 }, () => expect(verify(second)).rejects.toEqual(unknownKey)));
    expect(fetched.times).toBe(3);
  });

  test('finds a new key although tokens with a missing one keep coming', async () => {
    const { server, verify } = await setUp();
    await verify(first);
    const stray = await createSigningKey('stray');
    for (let time = 0; time < 50; time++) await expect(verify(stray)).rejects.toEqual(unknownKey);
    server.keys = [first, second];
    await expect(verify(second)).resolves.toBe('second');
  });

  const unknownKid = (jwks: RemoteJwks, kid: string) =>
    expect(jwks.getKey({ alg: 'ES256', kid }, { payload: '', signature: '' })).rejects.toEqual(unknownKey);

  test('makes one fetch for a flood of 3,000 different keys that are missing', async () => {
    const { server, clock, jwks, verify, fetched } = await setUp();
    await verify(first);
    const release = server.holdAnswers();
    const refused = [unknownKid(jwks, 'the first')];
    await verify(first);
    for (let index = 1; index < 3000; index++) refused.push(unknownKid(jwks, `flood ${index}`));
    release();
    await Promise.all(refused);
    await Promise.all(Array.from({ length: 3000 }, (_, index) => unknownKid(jwks, `more ${index}`)));
    expect(fetched.times).toBe(2);
    // The flood delays new keys by no more than the cooldown.
    server.keys = [second];
    clock.seconds += 5;
    await expect(verify(second)).resolves.toBe('second');
  });

  test('makes a few fetches for different missing keys that come one after the other', async () => {
    const { jwks, fetched } = await setUp();
    await jwks.refresh();
    for (let index = 0; index < 100; index++) await unknownKid(jwks, `flood ${index}`);
    expect(fetched.times).toBe(5);
  });

  test('calls a key unknown only after a fetch that began after its token arrived', async () => {
    const { server, jwks, verify, fetched } = await setUp();
    await verify(first);
    const asked = new Promise<() => void>((resolve) => {
      server.answer = (_, response) => resolve(() => response.end(JSON.stringify({ keys: [first.jwk] })));
    });
    const early = jwks.refresh();
    const answerAsItWas = await asked;
    server.answer = server.answerKeys;
    server.keys = [second];
    const found = verify(second);
    await expect(verify(first)).resolves.toBe('first'); // By now the other one waits, too.
    answerAsItWas();
    await early;
    await expect(found).resolves.toBe('second');
    expect(fetched.times).toBe(3);
  });

  test('fetches after changed(), once more when changed() is called during the fetch, and not after every later use', async () => {
    const { server, clock, jwks, fetched } = await setUp();
    await jwks.refresh();
    server.keys = [second];
    jwks.changed();
    jwks.changed();
    expect(fetched.times).toBe(2);
    await jwks.refresh();
    expect(fetched.times).toBe(3);
    await jwks.refresh();
    expect([jwks.has('first'), jwks.has('second')]).toEqual([false, true]);
    for (let time = 0; time < 1000; time++) {
      jwks.changed();
      await jwks.refresh();
    }
    // The fetches that the test made itself do not count. The change is not lost: it waits until a second has passed.
    fetched.times = 0;
    jwks.has('second');
    expect(fetched.times).toBe(0);
    server.keys = [first];
    clock.seconds += 1;
    jwks.has('second');
    expect(fetched.times).toBe(1);
    await jwks.refresh();
    expect(jwks.has('first')).toBe(true);
  });

  test('retries when the fetch after changed() failed', async () => {
    const { server, clock, jwks } = await setUp();
    await jwks.refresh();
    server.answer = answering(500);
    server.keys = [second];
    jwks.changed();
    await expect(jwks.refresh()).rejects.toEqual(unavailable);
    server.answer = server.answerKeys;
    clock.seconds += 1;
    jwks.has('first');
    await jwks.refresh();
    expect(jwks.has('second')).toBe(true);
  });

  test('accepts keys without a fetch, and ignores a fetch that began earlier', async () => {
    const { server, jwks, verify, fetched } = await setUp();
    await verify(first);
    const release = server.holdAnswers();
    const early = jwks.refresh();
    jwks.take({ keys: [second.jwk] });
    await expect(verify(second)).resolves.toBe('second');
    release();
    await early;
    expect([fetched.times, jwks.has('first'), jwks.has('second')]).toEqual([2, false, true]);
  });

  test('waits for a fetch in progress before it calls a key unknown', async () => {
    const { server, jwks, fetched } = await setUp();
    await jwks.refresh();
    server.keys = [second];
    const release = server.holdAnswers();
    const underWay = jwks.refresh();
    const found = jwks.getKey({ alg: 'ES256', kid: 'second' }, { payload: '', signature: '' });
    release();
    await underWay;
    await expect(found).resolves.toBeDefined();
    expect(fetched.times).toBe(2);
  });

  test('fetches again after the clock was set back', async () => {
    const { server, clock, verify } = await setUp();
    clock.seconds += 3600;
    await verify(first);
    server.keys = [second];
    clock.seconds -= 3600;
    await expect(verify(second)).resolves.toBe('second');
  });

  test('does not fetch for a known key that does not fit the algorithm', async () => {
    const { clock, verify, fetched } = await setUp();
    await verify(first);
    clock.seconds += 5;
    const impostor = await createSigningKey('first', 'RS256');
    await expect(verify(impostor)).rejects.toEqual(unknownKey);
    expect(fetched.times).toBe(1);
  });

  test('keeps using its keys while the authorization server is down', async () => {
    const { server, clock, jwks, verify } = await setUp();
    await verify(first);
    await server.stop();
    clock.seconds += 100_000;
    await expect(verify(first)).resolves.toBe('first');
    await expect(jwks.refresh()).rejects.toEqual(unavailable);
    await expect(verify(first)).resolves.toBe('first');
    expect(jwks.has('first')).toBe(true);
  });

  test('does not call a key unknown when the fetch failed', async () => {
    const { server, clock, verify, fetched } = await setUp();
    await verify(first);
    clock.seconds += 5;
    server.answer = answering(500);
    await expect(verify(second)).rejects.toEqual(unavailable);
    await expect(verify(second)).rejects.toEqual(unavailable);
    expect(fetched.times).toBe(2);
  });

  test('says how the authorization server failed', async () => {
    const { server, jwks } = await setUp();
    server.answer = answering(500);
    await expect(jwks.refresh()).rejects.toThrow('the JWKS was answered with status 500');
  });

  test('fetches again a second after a failure', async () => {
    const { server, clock, verify } = await setUp();
    await verify(first);
    clock.seconds += 5;
    server.answer = answering(500);
    await expect(verify(second)).rejects.toEqual(unavailable);
    server.answer = server.answerKeys;
    server.keys = [second];
    clock.seconds += 1;
    await expect(verify(second)).resolves.toBe('second');
    await expect(verify(first)).rejects.toEqual(unknownKey);
  });

  test('is unavailable until the first successful fetch, and recovers by itself', async () => {
    const { server, verify } = await setUp();
    server.answer = answering(503);
    await expect(verify(first)).rejects.toEqual(unavailable);
    server.answer = server.answerKeys;
    await expect(verify(first)).resolves.toBe('first');
  });

  test('refreshes old keys in the background while serving them', async () => {
    const { server, clock, jwks, verify, fetched } = await setUp();
    await verify(first);
    server.keys = [second];
    const release = server.holdAnswers();
    clock.seconds += 299;
    await verify(first);
    expect(fetched.times).toBe(1);
    clock.seconds += 1;
    await expect(verify(first)).resolves.toBe('first');
    await expect(verify(first)).resolves.toBe('first');
    expect(fetched.times).toBe(2);
    const underWay = jwks.refresh();
    release();
    await underWay;
    expect([fetched.times, jwks.has('first'), jwks.has('second')]).toEqual([2, false, true]);
    await expect(verify(first)).rejects.toEqual(unknownKey);
  });

  test('notices a withdrawn key when only has() is called', async () => {
    const { server, clock, jwks, fetched } = await setUp();
    await jwks.refresh();
    server.keys = [second];
    clock.seconds += 300;
    expect([jwks.has('first'), fetched.times]).toEqual([true, 2]);
    await jwks.refresh();
    expect([jwks.has('first'), fetched.times]).toEqual([false, 2]);
  });

  test('tries a failing background refresh once a second, not on every use', async () => {
    const { server, clock, jwks, verify, fetched } = await setUp();
    await jwks.refresh();
    server.answer = answering(500);
    clock.seconds += 300;
    for (const times of [2, 3]) {
      jwks.has('first');
      await expect(jwks.refresh()).rejects.toEqual(unavailable);
      await verify(first);
      expect(fetched.times).toBe(times);
      clock.seconds += 1;
    }
  });

  describe('a token without a kid', () => {
    const namelessToken = (key: SigningKey) => signAccessToken(key, { exp: issuedAt + 1_000_000 }, { kid: undefined });

    async function setUpNameless(keys: SigningKey[]) {
      const world = await setUp();
      world.server.keys = keys;
      const validator = createJwtValidator(
        { issuer, audience },
        { jwks: world.jwks, now: () => world.clock.seconds * 1000 },
      );
      return { ...world, verifyNameless: async (key: SigningKey) => validator.verifyJwt(await namelessToken(key)) };
    }

    test('is verified with each key that fits', async () => {
      const other = await createSigningKey('rsa', 'RS256');
      const { verifyNameless, fetched } = await setUpNameless([other, first, second]);
      for (const key of [first, second, other]) {
        await expect(verifyNameless(key)).resolves.toMatchObject({ kid: undefined });
      }
      expect(fetched.times).toBe(1);
    });

    test('is verified with keys that have no kid either', async () => {
      const nameless = ({ jwk: { kid: _, ...jwk }, ...key }: SigningKey) => ({ ...key, jwk });
      const { verifyNameless } = await setUpNameless([nameless(first), nameless(second)]);
      await expect(verifyNameless(second)).resolves.toBeDefined();
    });

    test.each([1, 2])('is verified with a key that was published later, with %d keys before', async (count) => {
      const before = [first, await createSigningKey('third')].slice(0, count);
      const { server, clock, verifyNameless, fetched } = await setUpNameless(before);
      await verifyNameless(first);
      server.keys = [second];
      clock.seconds += 5;
      await expect(verifyNameless(second)).resolves.toBeDefined();
      await expect(verifyNameless(first)).rejects.toEqual(unknownKey);
      expect(fetched.times).toBe(2);
    });

    test('is tried with 16 keys, and no more', async () => {
      const others = await Promise.all(Array.from({ length: 16 }, (_, n) => createSigningKey(`other-${n}`)));
      const { verifyNameless } = await setUpNameless([...others.slice(1), first]);
      await expect(verifyNameless(first)).resolves.toBeDefined();
      const crowded = await setUpNameless([...others, first]);
      await expect(crowded.verifyNameless(first)).rejects.toEqual(unknownKey);
    });
  });

  test('tries both keys with the same kid, and does not return the kid', async () => {
    const { server, jwks, verify, fetched } = await setUp();
    const namesake = { ...second, kid: 'first', jwk: { ...second.jwk, kid: 'first' } };
    server.keys = [first, namesake];
    await expect(verify(first)).resolves.toBe('first');
    await expect(verify(namesake)).resolves.toBe('first');
    const impostor = await createSigningKey('first');
    await expect(verify(impostor)).rejects.toEqual(unknownKey);
    expect([fetched.times, jwks.has('first')]).toEqual([1, false]);
  });

  test.each([
    ['an error', answering(500, '{"keys":[]}')],
    ['no content', answering(204)],
    ['a redirect', answering(302, '', { location: '/elsewhere' })],
    ['HTML', answering(200, '<html>')],
    ['nothing', answering(200, '')],
    ['null', answering(200, 'null')],
    ['no keys', answering(200, '{}')],
    ['keys that are not an array', answering(200, '{"keys":{}}')],
    ['too much', answering(200, `{"keys":[],"filler":"${'a'.repeat(1024 * 1024)}"}`)],
  ])('keeps its keys when the answer is %s', async (_, answer) => {
    const { server, jwks, verify } = await setUp();
    await jwks.refresh();
    server.answer = answer;
    await expect(jwks.refresh()).rejects.toEqual(unavailable);
    await expect(verify(first)).resolves.toBe('first');
  });

  test('keeps its keys when the answer breaks off', async () => {
    const { server, jwks, verify } = await setUp();
    await jwks.refresh();
    server.answer = (_, res) => {
      res.writeHead(200, { 'content-length': '1000' });
      res.write('{"keys":[', () => res.destroy());
    };
    await expect(jwks.refresh()).rejects.toEqual(unavailable);
    await expect(verify(first)).resolves.toBe('first');
  });

  test.each([
    ['does not come', () => {}],
    ['comes too slowly', (_: unknown, res: { write: (text: string) => void }) => res.write('{')],
  ])('gives up on an answer that %s', async (_, answer) => {
    const { server, jwks } = await setUp({ timeout: 50 });
    server.answer = answer;
    await expect(jwks.refresh()).rejects.toEqual(unavailable);
  });

  test('ignores secrets, private keys and unknown members', async () => {
    const { server, jwks, verify } = await setUp();
    const keys = [
      null,
      'key',
      { kty: 7, kid: 'seven' },
      { kty: 'oct', kid: 'secret', k: 'AAAA' },
      { ...second.jwk, d: 'AAAA' },
      first.jwk,
    ];
    server.answer = answering(200, JSON.stringify({ keys }));
    await expect(verify(first)).resolves.toBe('first');
    expect(['seven', 'secret', 'second'].filter(jwks.has)).toEqual([]);
  });

  test('does not blame the token for a key that cannot be used', async () => {
    const { server, verify } = await setUp();
    server.answer = answering(200, JSON.stringify({ keys: [{ ...first.jwk, x: 'AAAA' }] }));
    await expect(verify(first)).rejects.toEqual(unavailable);
  });

  test('uses the given fetch', async () => {
    const fetch = async () => Response.json({ keys: [first.jwk] });
    const jwks = createRemoteJwks({ uri: 'https://login.example.com/jwks' }, { fetch });
    await jwks.refresh();
    expect(jwks.has('first')).toBe(true);
  });

  test('does not follow a redirect to another server', async () => {
    const elsewhere = await serveJwks(second);
    const { origin: url } = await serve(answering(307, '', { location: elsewhere.uri }));
    await expect(createRemoteJwks({ uri: url }).refresh()).rejects.toEqual(unavailable);
    expect(elsewhere.requests).toBe(0);
  });

  test.each([
    { uri: 'jwks' },
    { uri: 'file:///etc/passwd' },
    { timeout: 0 },
    { refreshInterval: -1 },
    { cooldown: Number.NaN },
  ])('cannot be created with %j', (options) => {
    expect(() => createRemoteJwks({ uri: 'https://login.example.com/jwks', ...options })).toThrow(TypeError);
  });
});
