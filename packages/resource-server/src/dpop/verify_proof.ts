import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  errors,
  importJWK,
  type JWK,
  type JWTPayload,
  jwtVerify,
  type ProtectedHeaderParameters,
} from 'jose';
import { proofError } from './read_proof.ts';

/** A proof whose signature is that of the key in it. Whether it is one for the request at hand is not known yet. */
export interface VerifiedProof {
  readonly claims: JWTPayload;
  /** BASE64URL(SHA-256) of the key in it (RFC 7638), for comparison with `jkt`. */
  readonly thumbprint: string;
}

const unusableKey = 'the key in the DPoP proof cannot be used';

/** The public members by key type; nothing else of a key is looked at. */
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2, and what newer key types call theirs. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/**
 * Verifies what a proof says of itself (RFC 9449 section 4.3, checks 2 to 7): it is a JWT of type `dpop+jwt`, signed with an
 * accepted asymmetric algorithm, by the private key to the public key in its header.
 *
 * @param now epoch milliseconds, for a proof that has `exp` or `nbf`
 * @throws AccessTokenError `invalid_dpop_proof`
 */
export async function verifyProof(proof: string, algorithms: readonly string[], now: number): Promise<VerifiedProof> {
  const { typ, alg, jwk } = headerOf(proof);
  if (typ !== 'dpop+jwt') throw proofError('the typ of the DPoP proof is not dpop+jwt');
  if (typeof alg !== 'string' || !algorithms.includes(alg)) {
    throw proofError('the signing algorithm of the DPoP proof is not accepted');
  }
  const publicKey = publicKeyOf(jwk);
  const key = await importJWK(publicKey, alg).catch(() => {
    throw proofError(unusableKey);
  });
  try {
    const options = { typ: 'dpop+jwt', algorithms: [alg], currentDate: new Date(now) };
    const { payload } = await jwtVerify(proof, key, options);
    return { claims: payload, thumbprint: await calculateJwkThumbprint(publicKey) };
  } catch (error) {
    throw proofError(describe(error));
  }
}

function headerOf(proof: string): ProtectedHeaderParameters & { jwk?: unknown } {
  try {
    return decodeProtectedHeader(proof);
  } catch {
    throw proofError('the DPoP proof is not a well-formed JWT');
  }
}

function publicKeyOf(jwk: unknown): JWK {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw proofError('the DPoP proof has no key');
  const members = jwk as Readonly<Record<string, unknown>>;
  if (privateMembers.some((name) => Object.hasOwn(members, name))) {
    throw proofError('the key in the DPoP proof is not a public key');
  }
  const { kty } = members;
  const names = typeof kty === 'string' && Object.hasOwn(publicMembers, kty) ? publicMembers[kty] : undefined;
  if (names === undefined) throw proofError('the key in the DPoP proof is of no accepted type');
  return { kty, ...Object.fromEntries(names.map((name) => [name, members[name]])) } as JWK;
}

/** The key is the client's too: whatever it makes jose throw is the fault of the proof. */
function describe(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the DPoP proof does not verify';
  if (error instanceof errors.JWTExpired) return 'the DPoP proof has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the ${error.claim} of the DPoP proof is not acceptable`;
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return 'the DPoP proof is not a well-formed JWT';
  }
  if (error instanceof errors.JOSENotSupported) return 'the DPoP proof needs what is not supported';
  return unusableKey;
}
