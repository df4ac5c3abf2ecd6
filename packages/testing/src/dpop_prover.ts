import { createHash } from 'node:crypto';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** A client that has a key pair and makes DPoP proofs with it (RFC 9449). */
export interface Prover {
  readonly publicJwk: JWK;
  readonly privateJwk: JWK;
  readonly privateKey: CryptoKey;
  /** The `cnf` claim of a token that is bound to the key. */
  readonly cnf: { readonly jkt: string };
  /**
   * Makes a valid proof for a GET, except for the given claims and header parameters; `undefined` omits one.
   *
   * @param token client-held
   */
  proof(
    url: string,
    token: string,
    claims?: Readonly<Record<string, unknown>>,
    header?: Readonly<Record<string, unknown>>,
  ): Promise<string>;
}

/** The `ath` claim of a proof: the hash of the access token (RFC 9449 section 4.2). */
export const athOf = (token: string) => createHash('sha256').update(token).digest('base64url');

/** @param now epoch milliseconds */
export async function createProver(now: () => number, alg = 'ES256'): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const [publicJwk, privateJwk] = await Promise.all([exportJWK(publicKey), exportJWK(privateKey)]);
  return {
    publicJwk,
    privateJwk,
    privateKey,
    cnf: { jkt: await calculateJwkThumbprint(publicJwk) },
    proof(htu, token, claims = {}, header = {}) {
      const usual = { jti: crypto.randomUUID(), htm: 'GET', htu, ath: athOf(token), iat: Math.floor(now() / 1000) };
      return new SignJWT(withoutUndefined({ ...usual, ...claims }))
        .setProtectedHeader(withoutUndefined({ typ: 'dpop+jwt', alg, jwk: publicJwk, ...header }))
        .sign(privateKey);
    },
  };
}

/** Values may be of any JSON type, also ones that RFC 9449 forbids. */
function withoutUndefined(members: object) {
  return JSON.parse(JSON.stringify(members));
}
