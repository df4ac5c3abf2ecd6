import { createHmac } from 'node:crypto';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { athOf } from '@tallystick/testing/dpop_prover';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { createOrdersClient, heldToken, type OrdersClient, provedAt, setUpCheck, uri } from '../testing/proofs.ts';

let prover: OrdersClient;
let stranger: OrdersClient;
beforeAll(async () => {
  [prover, stranger] = await Promise.all([createOrdersClient(), createOrdersClient()]);
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const replacePart = (jwt: string, index: number, part: string) => jwt.split('.').toSpliced(index, 1, part).join('.');

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
    ['that is not a JWT', () => 'proof', 'the DPoP proof is not a well-formed JWT'],
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
    ['without a typ', () => prover.proof({}, { typ: undefined }), 'the typ of the DPoP proof is not dpop+jwt'],
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
      'the type of the key in the DPoP proof is not accepted',
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
      async () => prover.proof({}, { jwk: (await createOrdersClient('RS256')).publicJwk }),
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
      'the DPoP proof uses a feature that is not supported',
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
      'for the method in lower case',
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
      'with the token in place of its hash',
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
    await expect(setUpCheck(prover.cnf.jkt).present(await make())).rejects.toMatchObject({
      code: 'invalid_dpop_proof',
      status: 401,
      description,
    });
  });

  test('with another key than the one of the token is refused as an invalid token', async () => {
    await expect(setUpCheck(prover.cnf.jkt).present(await stranger.proof())).rejects.toMatchObject({
      code: 'invalid_token',
      description: 'the access token is bound to another key than the key of the DPoP proof',
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
    await expect(
      setUpCheck(prover.cnf.jkt).present(proof, { thumbprint: await calculateJwkThumbprint(jwk) }),
    ).rejects.toMatchObject({
      description: 'the key in the DPoP proof cannot be used',
    });
  });

  test('signed with an algorithm that is not accepted here is refused', async () => {
    const { present } = setUpCheck(prover.cnf.jkt, { algorithms: ['EdDSA'] });
    await expect(present(await prover.proof())).rejects.toMatchObject({
      description: 'the signing algorithm of the DPoP proof is not accepted',
    });
  });

  test('is refused when the URI of the request is unknown', async () => {
    await expect(setUpCheck(prover.cnf.jkt).present(await prover.proof(), { uri: undefined })).rejects.toMatchObject({
      description: 'the htu of the DPoP proof is not the URI of the request',
    });
  });

  test('is not repeated in the error', async () => {
    const proof = await prover.proof({ jti: 'private-identifier', htm: 'POST' });
    const error = await setUpCheck(prover.cnf.jkt)
      .present(proof)
      .catch((thrown: Error) => thrown);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('private-identifier');
  });
});
