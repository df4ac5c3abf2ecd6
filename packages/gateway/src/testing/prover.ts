import { createHash } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** A client that has a key and makes DPoP proofs with it. */
export interface Prover {
  /** `cnf` of a token that is bound to its key. */
  readonly cnf: { readonly jkt: string };
  /** A good proof for a GET, but for the claims given. @param token client-held */
  proof(url: string, token: string, claims?: JWTPayload): Promise<string>;
}

/** @param now epoch milliseconds */
export async function createProver(now: () => number): Promise<Prover> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwk = await exportJWK(publicKey);
  return {
    cnf: { jkt: await calculateJwkThumbprint(jwk) },
    proof(htu, token, claims = {}) {
      const ath = createHash('sha256').update(token).digest('base64url');
      const usual = { jti: crypto.randomUUID(), htm: 'GET', htu, ath, iat: Math.floor(now() / 1000) };
      return new SignJWT({ ...usual, ...claims })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .sign(privateKey);
    },
  };
}
