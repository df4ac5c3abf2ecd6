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
import { AccessTokenError } from '../errors.ts';
import { headerValues } from '../read_access_token.ts';

/** A proof with a valid signature. Its claims are not yet compared with the request. */
export interface VerifiedProof {
  readonly claims: JWTPayload;
  /** The thumbprint of its key (RFC 7638), for comparison with `jkt`. */
  readonly thumbprint: string;
}

/** In characters. A proof with an RSA key of 4096 bits has about 1,900. */
const maximumLength = 8 * 1024;

const unusableKey = 'the key in the DPoP proof cannot be used';

/** The public members by key type; all other members of a key are ignored. */
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'x', 'y'],
  OKP: ['crv', 'x'],
  RSA: ['n', 'e'],
};
/** RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1, RFC 8037 section 2; `priv` in newer key types. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

/**
 * Reads the proof of a request, which must have exactly one (RFC 9449 section 4.3, check 1).
 *
 * @throws AccessTokenError `invalid_dpop_proof`
 */
export function readProof(request: { readonly rawHeaders: readonly string[] }): string {
  const [proof, ...others] = headerValues(request, 'dpop');
  if (proof === undefined) throw proofError('the request has no DPoP proof');
  if (others.length > 0) throw proofError('the request has more than one DPoP proof');
  if (proof.length > maximumLength) throw proofError('the DPoP proof is too long');
  return proof;
}

/** @param description contains nothing from the proof */
export function proofError(description: string): AccessTokenError {
  return new AccessTokenError('invalid_dpop_proof', description);
}

/**
 * Verifies a proof on its own (RFC 9449 section 4.3, checks 2 to 7): it is a JWT of type `dpop+jwt`, signed with an accepted
 * asymmetric algorithm by the private key that belongs to the public key in its header.
 *
 * @param now epoch milliseconds, for a proof with `exp` or `nbf`
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
  if (names === undefined) throw proofError('the type of the key in the DPoP proof is not accepted');
  return { kty, ...Object.fromEntries(names.map((name) => [name, members[name]])) } as JWK;
}

/** The client chose the key too, so any error that jose throws is about the proof. */
function describe(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature of the DPoP proof does not verify';
  if (error instanceof errors.JWTExpired) return 'the DPoP proof has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `the ${error.claim} of the DPoP proof is not acceptable`;
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) {
    return 'the DPoP proof is not a well-formed JWT';
  }
  if (error instanceof errors.JOSENotSupported) return 'the DPoP proof uses a feature that is not supported';
  return unusableKey;
}
