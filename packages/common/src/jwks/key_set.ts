import { type CryptoKey, createLocalJWKSet, errors, flattenedVerify, type JWK, type JWTVerifyGetKey } from 'jose';

/** Public keys of an authorization server. */
export interface KeySet {
  readonly getKey: JWTVerifyGetKey;
  /** Number of keys by `kid`. */
  readonly kids: ReadonlyMap<string, number>;
}

/** Maximum number of keys that are tried on a token without a unique `kid`. Each one costs a signature verification. */
const MAX_CANDIDATES = 16;

/** Why there is no key for a JWT. */
export class JwksError extends Error {
  override readonly name = 'JwksError';
  /**
   * - `unavailable`: the keys could not be fetched, or one of them is unusable. The JWT may be valid.
   * - `unknown_key`: the issuer does not have the key.
   * - `unknown_algorithm`: the algorithm of the JWT is not supported.
   */
  readonly code: 'unavailable' | 'unknown_key' | 'unknown_algorithm';

  /** @param message contains no received data */
  constructor(code: JwksError['code'], message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export function unavailable(message: string, options?: { readonly cause?: unknown }): JwksError {
  return new JwksError('unavailable', message, options);
}

export function keySetOf(published: readonly unknown[]): KeySet {
  const keys = published.filter(isPublicKey);
  const kids = new Map<string, number>();
  for (const { kid } of keys) {
    if (typeof kid === 'string') kids.set(kid, (kids.get(kid) ?? 0) + 1);
  }
  return { getKey: createLocalJWKSet({ keys }), kids };
}

/** RFC 7517 section 5: unknown members of a set are ignored. Private and symmetric keys, which do not belong there, are too. */
function isPublicKey(jwk: unknown): jwk is JWK {
  return (
    typeof jwk === 'object' &&
    jwk !== null &&
    'kty' in jwk &&
    typeof jwk.kty === 'string' &&
    jwk.kty !== 'oct' &&
    !('d' in jwk) &&
    !('priv' in jwk)
  );
}

/** @returns the key for a token; undefined if the set has none */
export async function findKey(keySet: KeySet | undefined, ...[header, token]: Parameters<JWTVerifyGetKey>) {
  try {
    const key = await keySet?.getKey(header, token);
    // A token without a `kid` may be signed with a key that is not in the set yet, although another key fits its algorithm.
    return header.kid !== undefined || key === undefined || (await verifies(token, key)) ? key : undefined;
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey) return undefined;
    if (error instanceof errors.JWKSMultipleMatchingKeys) return firstVerifyingKey(token, error);
    if (error instanceof errors.JOSENotSupported) {
      throw new JwksError('unknown_algorithm', "the token's signing algorithm is not accepted");
    }
    throw unavailable('the JWKS holds an unusable key', { cause: error });
  }
}

type Token = Parameters<JWTVerifyGetKey>[1];

async function firstVerifyingKey(token: Token, candidates: AsyncIterable<CryptoKey>): Promise<CryptoKey | undefined> {
  let tried = 0;
  for await (const key of candidates) {
    if (await verifies(token, key)) return key;
    tried += 1;
    if (tried === MAX_CANDIDATES) return undefined;
  }
  return undefined;
}

async function verifies(token: Token, key: Parameters<typeof flattenedVerify>[1]): Promise<boolean> {
  try {
    await flattenedVerify(token, key as CryptoKey);
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    // The verification of the token will report an unusable key, such as an RSA key that is too short.
    return true;
  }
}
