import { calculateJwkThumbprint, exportJWK, generateKeyPair, importPKCS8, type JWK } from 'jose';
import type { SigningAlgorithm } from '../config/config.ts';

export type IdentifiedKey = JWK & { readonly kid: string };

/** A key is not a private key for the algorithm. The message does not quote the key. */
export class WrongKeyError extends TypeError {
  readonly code = 'key_wrong';
  override name = 'WrongKeyError';
}

/** The key type and curve of each algorithm. */
const KEY_TYPES: Record<SigningAlgorithm, { readonly kty: string; readonly crv?: string }> = {
  ES256: { kty: 'EC', crv: 'P-256' },
  RS256: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
};

/** Makes a private key for a JWS algorithm, as a JWK with its thumbprint as `kid` (RFC 7638). */
export async function makeKey(alg: SigningAlgorithm): Promise<IdentifiedKey> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return identified(await exportJWK(privateKey), alg);
}

/**
 * Reads a private key from PEM (PKCS #8) or JWK.
 *
 * @throws {WrongKeyError} the key is not a private key for the algorithm
 */
export async function readKey(given: string | JWK, alg: SigningAlgorithm): Promise<IdentifiedKey> {
  const jwk = typeof given === 'string' ? await fromText(given, alg) : given;
  const { kty, crv } = KEY_TYPES[alg];
  if (jwk.kty !== kty || (crv !== undefined && jwk.crv !== crv) || typeof jwk.d !== 'string') {
    throw new WrongKeyError(`expected a private ${crv ?? kty} key for ${alg}`);
  }
  return identified(jwk, alg);
}

async function fromText(text: string, alg: SigningAlgorithm): Promise<JWK> {
  try {
    if (text.trimStart().startsWith('{')) return JSON.parse(text) as JWK;
    return await exportJWK(await importPKCS8(text, alg, { extractable: true }));
  } catch {
    // The cause is left out, because it may quote the key.
    throw new WrongKeyError(`expected a private key for ${alg} as PEM (PKCS #8) or JWK`);
  }
}

async function identified(jwk: JWK, alg: SigningAlgorithm): Promise<IdentifiedKey> {
  return { ...jwk, alg, use: 'sig', kid: jwk.kid ?? (await calculateJwkThumbprint(jwk)) };
}
