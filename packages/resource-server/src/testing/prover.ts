import { createHash } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** A client that has a key and makes DPoP proofs with it. */
export interface Prover {
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly privateKey: CryptoKey;
  /** The thumbprint of its key, to bind a token to. */
  readonly jkt: string;
  /** Creates a proof; `undefined` omits a claim or header parameter. */
  proof(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

export const uri = 'https://api.example.com/orders/1';
export const heldToken = 'a-client-held-token';
/** The time of the tests, in epoch seconds. */
export const provedAt = 1_700_000_000;

export const athOf = (token: string) => createHash('sha256').update(token).digest('base64url');

export async function createProver(alg = 'ES256'): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  return {
    publicJwk,
    privateJwk,
    privateKey,
    jkt: await calculateJwkThumbprint(publicJwk),
    proof(claims = {}, header = {}) {
      const usual = { jti: crypto.randomUUID(), htm: 'GET', htu: uri, iat: provedAt, ath: athOf(heldToken) };
      return new SignJWT(JSON.parse(JSON.stringify({ ...usual, ...claims })))
        .setProtectedHeader(JSON.parse(JSON.stringify({ typ: 'dpop+jwt', alg, jwk: publicJwk, ...header })))
        .sign(privateKey);
    },
  };
}
