import { errors, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { AccessTokenValidator, JwtAccessTokenClaims } from './access_token_claims.ts';
import { AccessTokenError, ResourceServerError, ValidationUnavailableError } from './errors.ts';
import { claimFailure, jwtFailure } from './jwt_failure.ts';
import { requireAsymmetric, requireAudience, requireFunction, requireNumber, requireString } from './options.ts';
import type { RemoteJwks } from './remote_jwks.ts';

/** Options of {@link createJwtValidator}. */
export interface JwtValidatorOptions {
  /** The one issuer identifier that is trusted, compared character by character. */
  readonly issuer: string;
  /** The resource indicator of this API; of several, a token for any one of them is for this API. */
  readonly audience: string | readonly string[];
  /** Accepted `alg` values, asymmetric only; ES256 ES384 ES512 RS256 PS256 EdDSA Ed25519 by default. */
  readonly algorithms?: readonly string[];
  /** Seconds by which `exp` and `nbf` may be missed; 0 by default. */
  readonly clockTolerance?: number;
}

/** The world around {@link createJwtValidator}. */
export interface JwtValidatorDependencies {
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

/** A verified JWT access token. */
export interface VerifiedJwt {
  readonly claims: JwtAccessTokenClaims;
  /** Which key signed it, if its header says so. */
  readonly kid: string | undefined;
}

/** An {@link AccessTokenValidator} for JWTs. */
export interface JwtValidator extends AccessTokenValidator {
  validate(token: string): Promise<JwtAccessTokenClaims>;
  /** Like `validate`, and tells which key signed, so that a cached JWT can be dropped when its key leaves the JWKS. */
  verifyJwt(token: string): Promise<VerifiedJwt>;
}

const asymmetricAlgorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'];
/** Longer ones are refused before any work is done on them. In characters. */
const maximumLength = 64 * 1024;

/**
 * Validates JWT access tokens as RFC 9068 section 4 says: `typ`, signature, `iss`, `aud`, `exp`, `nbf`, and the presence of
 * the claims that section 2.2 requires.
 *
 * Its `validate` and `verifyJwt` throw AccessTokenError `invalid_token` when the token is refused, and
 * ValidationUnavailableError when the keys could not be had.
 *
 * @throws TypeError for a badly typed option, or a symmetric or absent algorithm (RFC 8725 section 3.1).
 * @example
 * ```ts
 * const validator = createJwtValidator({ issuer: 'https://login.example.com', audience: 'https://api.example.com/orders' }, { jwks });
 * const claims = await validator.validate(readAccessToken(request).token);
 * ```
 */
export function createJwtValidator(options: JwtValidatorOptions, dependencies: JwtValidatorDependencies): JwtValidator {
  const { issuer, audience, algorithms = asymmetricAlgorithms, clockTolerance = 0 } = options;
  const { jwks, now = () => Date.now() } = dependencies;
  requireString('issuer', issuer);
  const audiences = requireAudience(audience);
  requireAsymmetric('algorithms', algorithms);
  requireNumber('clockTolerance', clockTolerance, 0);
  requireFunction('jwks.getKey', jwks?.getKey);
  requireFunction('now', now);

  const expectations = {
    issuer,
    audience: audiences,
    typ: 'at+jwt',
    algorithms: [...algorithms],
    clockTolerance,
    requiredClaims: ['exp', 'iat', 'sub', 'client_id', 'jti'],
  };
  const getKey = keyLookup(jwks.getKey);

  async function verifyJwt(token: string): Promise<VerifiedJwt> {
    if (token.length > maximumLength) throw new AccessTokenError('invalid_token', 'the token is too long');
    try {
      const verified = await jwtVerify(token, getKey, { ...expectations, currentDate: new Date(now()) });
      return { claims: checkedClaims(verified.payload), kid: verified.protectedHeader.kid };
    } catch (error) {
      if (error instanceof ResourceServerError) throw error;
      if (error instanceof errors.JOSEError) throw jwtFailure(error);
      // jose throws anything else because of the key, never because of the token: an RSA key that is too short, say.
      throw new ValidationUnavailableError('the token could not be verified', { cause: error });
    }
  }

  return {
    verifyJwt,
    async validate(token) {
      return (await verifyJwt(token)).claims;
    },
  };
}

/** Tells a verdict on the token from a failure to get at the keys, whoever's `getKey` it is (jose's own throws both alike). */
function keyLookup(getKey: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await getKey(header, token);
    } catch (error) {
      if (error instanceof ResourceServerError) throw error;
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
        throw new AccessTokenError('invalid_token', 'the token is signed with an unknown key');
      }
      throw new ValidationUnavailableError('the keys to verify the token with could not be had', { cause: error });
    }
  };
}

/** jose checks that required claims are there; their types are checked here (RFC 9068 section 2.2, RFC 8693 section 4.2). */
function checkedClaims(payload: Readonly<Record<string, unknown>>): JwtAccessTokenClaims {
  for (const claim of ['sub', 'client_id', 'jti']) {
    if (typeof payload[claim] !== 'string' || payload[claim] === '') throw claimFailure(claim, 'malformed');
  }
  if (payload.scope !== undefined && typeof payload.scope !== 'string') throw claimFailure('scope', 'malformed');
  return payload as JwtAccessTokenClaims;
}
