import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { ValidationUnavailableError } from '../errors.ts';
import { athOf, createProver, heldToken, type Prover, provedAt, uri } from '../testing/prover.ts';
import { createProofCheck, type DPoPOptions, defaultDPoPAlgorithms } from './check_proof.ts';
import { createDPoPNonces } from './nonces.ts';
import { createReplayMemory } from './replay_memory.ts';

let prover: Prover;
let stranger: Prover;
beforeAll(async () => {
  [prover, stranger] = await Promise.all([createProver(), createProver()]);
});

/** A check at the moment of the tests, or `seconds` later, with the memory of all that it saw. */
function setUp(options: DPoPOptions = {}, nonceSecret?: string) {
  const clock = { seconds: provedAt };
  const now = () => clock.seconds * 1000;
  const useOnce = createReplayMemory({ maxEntries: 1000 }, { now });
  const nonces = nonceSecret === undefined ? undefined : createDPoPNonces({ secret: nonceSecret }, { now });
  const check = createProofCheck(options, { useOnce, nonces, now });
  const present = (proofs: string | readonly string[], expected: object = {}) =>
    check(
      { rawHeaders: ['Host', 'api.example.com', ...[proofs].flat().flatMap((proof) => ['DPoP', proof])] },
      { method: 'GET', uri, token: heldToken, thumbprint: prover.jkt, ...expected },
    );
  return { clock, nonces, present };
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const replacePart = (jwt: string, index: number, part: string) => jwt.split('.').toSpliced(index, 1, part).join('.');

describe('a good DPoP proof', () => {
  test.each(defaultDPoPAlgorithms)('is accepted when it is signed with %s', async (alg) => {
    const client = await createProver(alg);
    await expect(setUp().present(await client.proof(), { thumbprint: client.jkt })).resolves.toBeUndefined();
  });

  test.each([
    ['with a query and a fragment in htu, which do not count', { htu: `${uri}?a=1#b` }, {}],
    ['with another spelling of the same htu', { htu: 'HTTPS://API.example.com:443/x/../orders/%31' }, {}],
    ['for a request with a query', {}, { uri: `${uri}?page=2` }],
    ['for another method', { htm: 'PATCH' }, { method: 'PATCH' }],
    ['as old as it may be', { iat: provedAt - 60 }, {}],
    ['as far ahead as a clock may be', { iat: provedAt + 5 }, {}],
    ['with an iat that is no whole number', { iat: provedAt - 0.5 }, {}],
    ['with a jti as long as it may be', { jti: 'j'.repeat(256) }, {}],
    ['with a nonce that nobody asked for', { nonce: 'from elsewhere' }, {}],
    ['with claims that nobody knows', { extra: { deep: true } }, {}],
  ])('is accepted %s', async (_, claims, expected) => {
    await expect(setUp().present(await prover.proof(claims), expected)).resolves.toBeUndefined();
  });

  test('is accepted with a kid in its header, and with members of the key that do not matter', async () => {
    const jwk = { ...prover.publicJwk, kid: 'mine', use: 'sig', key_ops: ['verify'] };
    await expect(setUp().present(await prover.proof({}, { kid: 'mine', jwk }))).resolves.toBeUndefined();
  });
});

describe('a bad DPoP proof', () => {
  const proofs: [string, () => string | readonly string[] | Promise<string | readonly string[]>, string][] = [
    ['that is missing', () => [], 'the request has no DPoP proof'],
    [
      'that is not alone',
      async () => [await prover.proof(), await prover.proof()],
      'the request has more than one DPoP proof',
    ],
    [
      'that is there twice',
      async () => Array(2).fill(await prover.proof()),
      'the request has more than one DPoP proof',
    ],
    ['that is too long', () => prover.proof({ extra: 'x'.repeat(9_000) }), 'the DPoP proof is too long'],
    ['that is empty', () => '', 'the DPoP proof is not a well-formed JWT'],
    ['that is no JWT', () => 'proof', 'the DPoP proof is not a well-formed JWT'],
    [
      'with two in one header',
      async () => `${await prover.proof()}, ${await prover.proof()}`,
      'the DPoP proof is not a well-formed JWT',
    ],
    [
      'whose header is no JSON',
      async () => replacePart(await prover.proof(), 0, 'e30x'),
      'the DPoP proof is not a well-formed JWT',
    ],
    ['with four parts', async () => `${await prover.proof()}.x`, 'the DPoP proof is not a well-formed JWT'],
    ['of no type', () => prover.proof({}, { typ: undefined }), 'the typ of the DPoP proof is not dpop+jwt'],
    ['of type JWT', () => prover.proof({}, { typ: 'JWT' }), 'the typ of the DPoP proof is not dpop+jwt'],
    ['that is an access token', () => prover.proof({}, { typ: 'at+jwt' }), 'the typ of the DPoP proof is not dpop+jwt'],
    [
      'that is not signed',
      () => `${encode({ typ: 'dpop+jwt', alg: 'none', jwk: prover.publicJwk })}.${encode({})}.`,
      'the signing algorithm of the DPoP proof is not accepted',
    ],
    [
      'that is signed with a secret',
      () => {
        const signed = `${encode({ typ: 'dpop+jwt', alg: 'HS256', jwk: { kty: 'oct', k: 'c2VjcmV0' } })}.${encode({})}`;
        return `${signed}.${createHmac('sha256', 'secret').update(signed).digest('base64url')}`;
      },
      'the signing algorithm of the DPoP proof is not accepted',
    ],
    [
      'without alg',
      () => `${encode({ typ: 'dpop+jwt', jwk: prover.publicJwk })}.${encode({})}.c2ln`,
      'the signing algorithm of the DPoP proof is not accepted',
    ],
    ['without a key', () => prover.proof({}, { jwk: undefined }), 'the DPoP proof has no key'],
    ['whose key is a list', () => prover.proof({}, { jwk: [] }), 'the DPoP proof has no key'],
    [
      'with its private key',
      () => prover.proof({}, { jwk: prover.privateJwk }),
      'the key in the DPoP proof is not a public key',
    ],
    [
      'with a symmetric key',
      () => prover.proof({}, { jwk: { kty: 'oct', k: 'c2VjcmV0' } }),
      'the key in the DPoP proof is not a public key',
    ],
    [
      'with a key of an unknown type',
      () => prover.proof({}, { jwk: { kty: 'toString' } }),
      'the key in the DPoP proof is of no accepted type',
    ],
    [
      'with a key off its curve',
      () => prover.proof({}, { jwk: { ...prover.publicJwk, x: prover.publicJwk.y } }),
      'the key in the DPoP proof cannot be used',
    ],
    [
      'with half a key',
      () => prover.proof({}, { jwk: { kty: 'EC', crv: 'P-256', x: prover.publicJwk.x } }),
      'the key in the DPoP proof cannot be used',
    ],
    [
      'with a key of another algorithm',
      async () => prover.proof({}, { jwk: (await createProver('RS256')).publicJwk }),
      'the key in the DPoP proof cannot be used',
    ],
    [
      "with somebody else's key",
      () => prover.proof({}, { jwk: stranger.publicJwk }),
      'the signature of the DPoP proof does not verify',
    ],
    [
      'that was changed',
      async () => replacePart(await prover.proof(), 1, encode({ jti: 'x', htm: 'GET', htu: uri, iat: provedAt })),
      'the signature of the DPoP proof does not verify',
    ],
    [
      'with a critical extension',
      async () => {
        const header = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: prover.publicJwk, crit: ['exotic'], exotic: 1 });
        return replacePart(await prover.proof(), 0, header);
      },
      'the DPoP proof needs what is not supported',
    ],
    ['that has expired', () => prover.proof({ exp: provedAt - 1 }), 'the DPoP proof has expired'],
    [
      'that is not valid yet',
      () => prover.proof({ nbf: provedAt + 60 }),
      'the nbf of the DPoP proof is not acceptable',
    ],
    ['without jti', () => prover.proof({ jti: undefined }), 'the DPoP proof has no jti'],
    ['with an empty jti', () => prover.proof({ jti: '' }), 'the DPoP proof has no jti'],
    ['with a jti that is a number', () => prover.proof({ jti: 7 }), 'the DPoP proof has no jti'],
    [
      'with a jti that is too long',
      () => prover.proof({ jti: 'j'.repeat(257) }),
      'the jti of the DPoP proof is too long',
    ],
    [
      'without htm',
      () => prover.proof({ htm: undefined }),
      'the htm of the DPoP proof is not the method of the request',
    ],
    [
      'for another method',
      () => prover.proof({ htm: 'POST' }),
      'the htm of the DPoP proof is not the method of the request',
    ],
    [
      'for the method in small letters',
      () => prover.proof({ htm: 'get' }),
      'the htm of the DPoP proof is not the method of the request',
    ],
    ['without htu', () => prover.proof({ htu: undefined }), 'the htu of the DPoP proof is not the URI of the request'],
    [
      'for another path',
      () => prover.proof({ htu: `${uri}/x` }),
      'the htu of the DPoP proof is not the URI of the request',
    ],
    [
      'for another host',
      () => prover.proof({ htu: 'https://evil.example.com/orders/1' }),
      'the htu of the DPoP proof is not the URI of the request',
    ],
    [
      'for another scheme',
      () => prover.proof({ htu: uri.replace('https', 'http') }),
      'the htu of the DPoP proof is not the URI of the request',
    ],
    [
      'for a path alone',
      () => prover.proof({ htu: '/orders/1' }),
      'the htu of the DPoP proof is not the URI of the request',
    ],
    [
      'without ath',
      () => prover.proof({ ath: undefined }),
      'the ath of the DPoP proof is not the hash of the access token',
    ],
    [
      'for another token',
      () => prover.proof({ ath: athOf('another') }),
      'the ath of the DPoP proof is not the hash of the access token',
    ],
    [
      'with the token for its hash',
      () => prover.proof({ ath: heldToken }),
      'the ath of the DPoP proof is not the hash of the access token',
    ],
    ['without iat', () => prover.proof({ iat: undefined }), 'the DPoP proof has no iat'],
    [
      'whose iat is a text',
      () => prover.proof({ iat: String(provedAt) }),
      'the iat of the DPoP proof is not acceptable',
    ],
    [
      'with a curve that is unknown',
      () => prover.proof({}, { jwk: { ...prover.publicJwk, crv: 'secp256k1' } }),
      'the key in the DPoP proof cannot be used',
    ],
    ['that is too old', () => prover.proof({ iat: provedAt - 61 }), 'the DPoP proof is too old'],
    ['from the future', () => prover.proof({ iat: provedAt + 6 }), 'the DPoP proof is from the future'],
  ];

  test.each(proofs)('%s is refused', async (_, make, description) => {
    await expect(setUp().present(await make())).rejects.toMatchObject({
      code: 'invalid_dpop_proof',
      status: 401,
      description,
    });
  });

  test('of another key than that of the token is refused as a bad token', async () => {
    await expect(setUp().present(await stranger.proof())).rejects.toMatchObject({
      code: 'invalid_token',
      description: 'the access token is bound to another key than that of the DPoP proof',
    });
  });

  test('with an RSA key that is too short is refused', async () => {
    const { publicKey, privateKey } = await crypto.subtle.generateKey(
      { name: 'RSASSA-PKCS1-v1_5', modulusLength: 1024, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
      true,
      ['sign', 'verify'],
    );
    const jwk = await exportJWK(publicKey);
    const signed = `${encode({ typ: 'dpop+jwt', alg: 'RS256', jwk })}.${encode({ jti: 'x', htm: 'GET', htu: uri, iat: provedAt, ath: athOf(heldToken) })}`;
    const signature = await crypto.subtle.sign('RSASSA-PKCS1-v1_5', privateKey, Buffer.from(signed));
    const proof = `${signed}.${Buffer.from(signature).toString('base64url')}`;
    await expect(setUp().present(proof, { thumbprint: await calculateJwkThumbprint(jwk) })).rejects.toMatchObject({
      description: 'the key in the DPoP proof cannot be used',
    });
  });

  test('signed with an algorithm that is not accepted here is refused', async () => {
    const { present } = setUp({ algorithms: ['EdDSA'] });
    await expect(present(await prover.proof())).rejects.toMatchObject({
      description: 'the signing algorithm of the DPoP proof is not accepted',
    });
  });

  test('is no better when nobody knows what the client asked for', async () => {
    await expect(setUp().present(await prover.proof(), { uri: undefined })).rejects.toMatchObject({
      description: 'the htu of the DPoP proof is not the URI of the request',
    });
  });

  test('is not repeated in the error', async () => {
    const proof = await prover.proof({ jti: 'private-identifier', htm: 'POST' });
    const error = await setUp()
      .present(proof)
      .catch((thrown: Error) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('private-identifier');
  });
});

describe('a DPoP proof that comes again', () => {
  test('is refused, for as long as it would be taken', async () => {
    const { present, clock } = setUp();
    const proof = await prover.proof({ iat: provedAt + 5 });
    await present(proof);
    for (const seconds of [0, 30, 65]) {
      clock.seconds = provedAt + seconds;
      await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof was used before' });
    }
    clock.seconds = provedAt + 66;
    await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof is too old' });
  });

  test('is refused with another signature too, and at another URI', async () => {
    const { present } = setUp();
    await present(await prover.proof({ jti: 'once' }));
    await expect(present(await prover.proof({ jti: 'once' }))).rejects.toMatchObject({
      description: 'the DPoP proof was used before',
    });
    const elsewhere = await prover.proof({ jti: 'once', htu: `${uri}/2` });
    await expect(present(elsewhere, { uri: `${uri}/2` })).rejects.toMatchObject({
      description: 'the DPoP proof was used before',
    });
  });

  test('is another one under the key of another client', async () => {
    const { present } = setUp();
    await present(await prover.proof({ jti: 'once' }));
    await expect(present(await stranger.proof({ jti: 'once' }), { thumbprint: stranger.jkt })).resolves.toBeUndefined();
  });

  test('was not used up by a request that was refused', async () => {
    const { present } = setUp();
    const proof = await prover.proof();
    await expect(present(proof, { method: 'POST' })).rejects.toThrow();
    await expect(present(proof, { thumbprint: stranger.jkt })).rejects.toThrow();
    await expect(present(proof)).resolves.toBeUndefined();
  });

  test('passes once, of many at the same moment', async () => {
    const { present } = setUp();
    const proof = await prover.proof();
    const outcomes = await Promise.allSettled([...Array(20)].map(() => present(proof)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test('is not let through when nobody can tell', async () => {
    const trouble = new ValidationUnavailableError('the token store could not be reached');
    const useOnce = () => Promise.reject(trouble);
    const check = createProofCheck({}, { useOnce, now: () => provedAt * 1000 });
    const request = { rawHeaders: ['DPoP', await prover.proof()] };
    const expected = { method: 'GET', uri, token: heldToken, thumbprint: prover.jkt };
    await expect(check(request, expected)).rejects.toBe(trouble);
  });
});

describe('where nonces are asked for, a DPoP proof', () => {
  const secret = 'what all gateways know';

  test('without one is told which', async () => {
    const { present, nonces } = setUp({}, secret);
    await expect(present(await prover.proof())).rejects.toMatchObject({
      code: 'use_dpop_nonce',
      status: 401,
      dpopNonce: nonces?.current(),
    });
  });

  test.each([['a guess'], ['']])('with the nonce "%s" is told the right one', async (nonce) => {
    const { present, nonces } = setUp({}, secret);
    await expect(present(await prover.proof({ nonce }))).rejects.toMatchObject({
      code: 'use_dpop_nonce',
      description: 'the nonce of the DPoP proof is stale',
      dpopNonce: nonces?.current(),
    });
  });

  test('passes with the right one, once, and whatever the clock of the client says', async () => {
    const { present, nonces } = setUp({}, secret);
    const proof = await prover.proof({ nonce: nonces?.current(), iat: provedAt - 86_400 });
    await expect(present(proof)).resolves.toBeUndefined();
    await expect(present(proof)).rejects.toMatchObject({ description: 'the DPoP proof was used before' });
  });

  test('passes at another process with the same secret, and at none with another', async () => {
    const { nonces } = setUp({}, secret);
    const proof = await prover.proof({ nonce: nonces?.current() });
    await expect(setUp({}, secret).present(proof)).resolves.toBeUndefined();
    await expect(setUp({}, 'another secret').present(proof)).rejects.toMatchObject({ code: 'use_dpop_nonce' });
  });

  test('passes with the one before, and is given the new one', async () => {
    const { present, nonces, clock } = setUp({}, secret);
    const nonce = nonces?.current();
    clock.seconds += 60;
    const current = nonces?.current();
    expect(current).not.toBe(nonce);
    await expect(present(await prover.proof({ nonce }))).resolves.toBe(current);
    clock.seconds += 60;
    await expect(present(await prover.proof({ nonce }))).rejects.toMatchObject({ code: 'use_dpop_nonce' });
  });

  test('does not use up its jti without the nonce', async () => {
    const { present, nonces } = setUp({}, secret);
    await expect(present(await prover.proof({ jti: 'once' }))).rejects.toMatchObject({ code: 'use_dpop_nonce' });
    await expect(present(await prover.proof({ jti: 'once', nonce: nonces?.current() }))).resolves.toBeUndefined();
  });
});

describe('a check of DPoP proofs', () => {
  const dependencies = { useOnce: async () => true, now: Date.now };
  test.each([
    ['algorithms', { algorithms: [] }],
    ['algorithms', { algorithms: ['HS256'] }],
    ['algorithms', { algorithms: ['none'] }],
    ['maxAge', { maxAge: 0 }],
    ['clockTolerance', { clockTolerance: -1 }],
  ])('cannot be made with a wrong value for %s', (name, options) => {
    expect(() => createProofCheck(options, dependencies)).toThrow(TypeError);
    expect(() => createProofCheck(options, dependencies)).toThrow(name);
  });

  test('cannot be made without a way to recognize what was used', () => {
    expect(() => createProofCheck({}, { now: Date.now } as never)).toThrow(TypeError);
  });
});
