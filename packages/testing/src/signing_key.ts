import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose';

/** A private key, and its public key as in a JWKS. */
export interface PublishedKey {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

export interface SigningKey extends PublishedKey {
  readonly kid: string;
  readonly alg: string;
}

/** @param members of the JWK, beside those of the public key itself */
export async function createPublishedKey(alg: string, members: Partial<JWK> = {}): Promise<PublishedKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...members } };
}

/** Makes a key whose JWK has `kid`, `alg` and `use`. */
export async function createSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  return { kid, alg, ...(await createPublishedKey(alg, { kid, alg, use: 'sig' })) };
}
