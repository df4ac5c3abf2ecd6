import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { type AccessTokenValidator, type JwtAccessTokenClaims, readScope } from './access_token_claims.ts';
import { AccessTokenError, ResourceServerError, ValidationUnavailableError } from './errors.ts';
import { claimFailure, jwtFailure } from './jwt_failure.ts';
import { looksLikeAccessToken } from './kind_of_token.ts';
import { requireAsymmetric, requireAudience, requireFunction, requireNumber, requireString } from './options.ts';
import type { RemoteJwks } from './remote_jwks.ts';

/** A `typ` that does not tell access tokens from ID tokens: `JWT`, or none. */
export type InsecureJwtType = 'JWT' | 'absent';

type RequiredClaim = 'iat' | 'sub' | 'client_id' | 'jti';

/** Options of {@link createJwtValidator}. The insecure ones are weaker than RFC 9068. */
export interface JwtValidatorOptions {
  /** The one issuer identifier that is trusted, compared character by character. */
  readonly issuer: string;
  /** The resource indicator of this API; of several, a token for any one of them is for this API. */
  readonly audience: string | readonly string[];
  /** Accepted `alg` values, asymmetric only; ES256 ES384 ES512 RS256 PS256 EdDSA Ed25519 by default. */
  readonly algorithms?: readonly string[];
  /** Seconds by which `exp` and `nbf` may be missed; 0 by default. */
  readonly clockTolerance?: number;
  /** Claims that must be there, beside `iss`, `aud` and `exp`. Default: all that RFC 9068 section 2.2 requires. */
  readonly requiredClaims?: readonly RequiredClaim[];
  /** Claims that hold scopes, as text or a list; put together, they become `scope`. Default: `scope`. */
  readonly scopeClaims?: readonly string[];
  /** Claims that may name the client; the first that is there becomes `client_id`. Default: `client_id`. */
  readonly clientIdClaims?: readonly string[];
  /**
   * Accepts tokens of these types too. Whether such a token is an access token is then told by its claims, which is a guess: only
   * `at+jwt` makes sure that it is no ID token.
   */
  readonly insecureTypes?: readonly InsecureJwtType[];
  /** Accepts tokens without `aud`, or with an empty one: then every access token of the issuer is one for this API. Default: false. */
  readonly insecureMissingAudience?: boolean;
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

/** What `algorithms` is by default. */
export const defaultJwtAlgorithms: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'PS256',
  'EdDSA',
  'Ed25519',
];
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
  const { issuer, audience, algorithms = defaultJwtAlgorithms, clockTolerance = 0 } = options;
  const { requiredClaims = ['iat', 'sub', 'client_id', 'jti'], insecureTypes = [] } = options;
  const { scopeClaims = ['scope'], clientIdClaims = ['client_id'], insecureMissingAudience = false } = options;
  const { jwks, now = () => Date.now() } = dependencies;
  requireString('issuer', issuer);
  const audiences = requireAudience(audience);
  requireAsymmetric('algorithms', algorithms);
  requireNumber('clockTolerance', clockTolerance, 0);
  requireFunction('jwks.getKey', jwks?.getKey);
  requireFunction('now', now);

  const expectations = {
    issuer,
    ...(!insecureMissingAudience && { audience: audiences }),
    ...(insecureTypes.length === 0 && { typ: 'at+jwt' }),
    algorithms: [...algorithms],
    clockTolerance,
    requiredClaims: ['exp', ...requiredClaims.filter((claim) => claim !== 'client_id')],
  };
  const getKey = keyLookup(jwks.getKey);

  async function verifyJwt(token: string): Promise<VerifiedJwt> {
    if (token.length > maximumLength) throw new AccessTokenError('invalid_token', 'the token is too long');
    try {
      const { payload, protectedHeader } = await jwtVerify(token, getKey, {
        ...expectations,
        currentDate: new Date(now()),
      });
      if (insecureTypes.length > 0) checkKind(protectedHeader.typ, payload, insecureTypes);
      if (insecureMissingAudience) checkAudience(payload, audiences);
      return { claims: checkedClaims(payload), kid: protectedHeader.kid };
    } catch (error) {
      if (error instanceof ResourceServerError) throw error;
      if (error instanceof errors.JOSEError) throw jwtFailure(error);
      // jose throws anything else because of the key, never because of the token: an RSA key that is too short, say.
      throw new ValidationUnavailableError('the token could not be verified', { cause: error });
    }
  }

  /** jose checks that claims are there; their types are checked here (RFC 9068 section 2.2, RFC 8693 section 4.2). */
  function checkedClaims(payload: JWTPayload): JwtAccessTokenClaims {
    const clientId = clientIdClaims.map((claim) => payload[claim]).find((named) => named !== undefined);
    if (clientId === undefined && requiredClaims.includes('client_id')) throw claimFailure('client_id', 'missing');
    for (const [claim, value] of Object.entries({ sub: payload.sub, client_id: clientId, jti: payload.jti })) {
      if (value !== undefined && (typeof value !== 'string' || value === '')) throw claimFailure(claim, 'malformed');
    }
    const scope = readScope(payload, scopeClaims);
    if (scope === null) throw claimFailure('scope', 'malformed');
    // Mostly there is nothing to change, and a copy is slower to read for all who come after.
    if (scope === payload.scope && clientId === payload.client_id) return payload as JwtAccessTokenClaims;
    const read = { ...payload, scope, client_id: clientId };
    return Object.fromEntries(
      Object.entries(read).filter(([, value]) => value !== undefined),
    ) as unknown as JwtAccessTokenClaims;
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

/** @throws AccessTokenError for a type that is not accepted, and for a token that is of another kind by its claims */
function checkKind(typ: string | undefined, payload: JWTPayload, insecureTypes: readonly InsecureJwtType[]): void {
  // RFC 7515 section 4.1.9: `application/` may be left out.
  const type = typ?.toLowerCase().replace(/^application\//, '');
  if (type === 'at+jwt') return;
  const accepted = insecureTypes.map((insecure) => (insecure === 'absent' ? undefined : 'jwt'));
  if (type !== undefined && type !== 'jwt') throw claimFailure('typ', 'refused');
  if (!accepted.includes(type)) throw claimFailure('typ', 'refused');
  if (!looksLikeAccessToken(payload)) throw claimFailure('kind', 'refused');
}

function checkAudience({ aud }: JWTPayload, audiences: readonly string[]): void {
  const named = [aud ?? []].flat();
  if (named.length > 0 && !named.some((name) => audiences.includes(name))) throw claimFailure('aud', 'refused');
}
