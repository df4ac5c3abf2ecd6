import { AccessTokenError } from '../errors.ts';
import { headerValues } from '../read_access_token.ts';

/** In characters. A proof with an RSA key of 4096 bits takes some 1,900. */
const maximumLength = 8 * 1024;

/**
 * Reads the one proof of a request (RFC 9449 section 4.3, check 1). It is not looked into.
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

/** @param description nothing that the proof says */
export function proofError(description: string): AccessTokenError {
  return new AccessTokenError('invalid_dpop_proof', description);
}
