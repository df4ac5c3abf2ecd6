import { createHash } from 'node:crypto';
import { sameText } from '@tallystick/common';
import { AccessTokenError } from '../errors.ts';
import { requireAsymmetric, requireFunction, requireNumber } from '../options.ts';
import type { DPoPNonces } from './nonces.ts';
import type { UseOnce } from './replay_memory.ts';
import { sameUri } from './same_uri.ts';
import { proofError, readProof, type VerifiedProof, verifyProof } from './verify_proof.ts';

/** Options of {@link createProofCheck}. */
export interface DPoPOptions {
  /** Accepted `alg` values, asymmetric only. Default: {@link defaultDPoPAlgorithms}. */
  readonly algorithms?: readonly string[];
  /** Seconds after `iat` for which a proof without a nonce is accepted. Default: 60. */
  readonly maxAge?: number;
  /** Seconds by which `iat` may be in the future. Default: 5. */
  readonly clockTolerance?: number;
}

/** Dependencies of {@link createProofCheck}. */
export interface ProofCheckDependencies {
  readonly useOnce: UseOnce;
  /** If given, every proof must carry a nonce (RFC 9449 section 9). */
  readonly nonces?: DPoPNonces | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** The request and the token that a proof must match. */
export interface ProofExpectations {
  readonly method: string;
  /** The URI of the request. If it is unknown (undefined), every proof is refused. */
  readonly uri: string | undefined;
  /** The client-held token. */
  readonly token: string;
  /** The `jkt` of the token: the thumbprint of the key that it is bound to (RFC 9449 section 6.1). */
  readonly thumbprint: string;
}

/**
 * Checks the DPoP proof of a request completely (RFC 9449 section 4.3), and records it as used.
 *
 * @returns the nonce that the client should use from now on, if it differs from the one in the proof (RFC 9449 section 8.2)
 * @throws AccessTokenError `invalid_dpop_proof`; `use_dpop_nonce`; `invalid_token` when the token is bound to another key
 * @throws ValidationUnavailableError when the record of used proofs is not available
 */
export type CheckProof = (
  request: { readonly rawHeaders: readonly string[] },
  expected: ProofExpectations,
) => Promise<string | undefined>;

export const defaultDPoPAlgorithms = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'Ed25519', 'EdDSA'] as const;

/** Of `jti`, in characters: a UUID has 36, 96 random bits have 16 (RFC 9449 section 4.2). */
const maximumIdentifier = 256;

export function createProofCheck(options: DPoPOptions, dependencies: ProofCheckDependencies): CheckProof {
  const { algorithms = defaultDPoPAlgorithms, maxAge = 60, clockTolerance = 5 } = options;
  const { useOnce, nonces, now } = dependencies;
  requireAsymmetric('algorithms', algorithms);
  requireNumber('maxAge', maxAge, 1);
  requireNumber('clockTolerance', clockTolerance, 0);
  requireFunction('useOnce', useOnce);
  requireFunction('now', now);

  /**
   * Checks the age of a proof (RFC 9449 section 4.3, check 11): by its nonce, which does not depend on the client's clock, or else
   * by its `iat`.
   *
   * @returns seconds for which any process may still accept it
   */
  function checkTime({ iat, nonce }: VerifiedProof['claims']): number {
    if (typeof iat !== 'number' || !Number.isFinite(iat)) throw proofError('the DPoP proof has no iat');
    if (nonces !== undefined) {
      checkNonce(nonce, nonces);
      return nonces.lifetime;
    }
    const age = now() / 1000 - iat;
    if (age > maxAge) throw proofError('the DPoP proof is too old');
    if (age < -clockTolerance) throw proofError('the DPoP proof is from the future');
    // The clock of another process may be behind this one by the tolerance.
    return maxAge - age + clockTolerance;
  }

  /** Called last, so that only a client with a token and its key can fill the record of used proofs. */
  async function use(identifier: string, thumbprint: string, seconds: number): Promise<void> {
    if (await useOnce(`dpop ${thumbprint} ${identifier}`, Math.ceil(seconds) + 1)) return;
    throw proofError('the DPoP proof was used before');
  }

  return async (request, { method, uri, token, thumbprint }) => {
    const verified = await verifyProof(readProof(request), algorithms, now());
    const { claims } = verified;
    const identifier = checkIdentifier(claims);
    if (claims.htm !== method) throw proofError('the htm of the DPoP proof is not the method of the request');
    if (typeof claims.htu !== 'string' || !sameUri(claims.htu, uri)) {
      throw proofError('the htu of the DPoP proof is not the URI of the request');
    }
    if (typeof claims.ath !== 'string' || !sameText(claims.ath, hashOf(token))) {
      throw proofError('the ath of the DPoP proof is not the hash of the access token');
    }
    if (!sameText(verified.thumbprint, thumbprint)) {
      throw new AccessTokenError(
        'invalid_token',
        'the access token is bound to another key than the key of the DPoP proof',
      );
    }
    await use(identifier, thumbprint, checkTime(claims));
    const current = nonces?.current();
    return claims.nonce === current ? undefined : current;
  };
}

function checkNonce(nonce: unknown, nonces: DPoPNonces): void {
  if (typeof nonce === 'string' && nonces.accepts(nonce)) return;
  const description =
    nonce === undefined ? 'the DPoP proof must carry a nonce' : 'the nonce of the DPoP proof is stale';
  throw new AccessTokenError('use_dpop_nonce', description, { dpopNonce: nonces.current() });
}

function checkIdentifier({ jti }: VerifiedProof['claims']): string {
  if (typeof jti !== 'string' || jti === '') throw proofError('the DPoP proof has no jti');
  if (jti.length > maximumIdentifier) throw proofError('the jti of the DPoP proof is too long');
  return jti;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}
