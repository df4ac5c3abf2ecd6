import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import { type AccessTokenValidator, type JwtAccessTokenClaims, readScope } from './access_token_claims.ts';
import { AccessTokenError, ResourceServerError, ValidationUnavailableError } from './errors.ts';
import { claimFailure, jwtFailure } from './jwt_failure.ts';
import { requireAsymmetric, requireAudience, requireFunction, requireNumber, requireString } from './options.ts';
import type { RemoteJwks } from './remote_jwks.ts';
import { looksLikeAccessToken } from './token_kind.ts';

/** A `typ` that does not distinguish access tokens from ID tokens: `JWT`, or none. */
export type InsecureJwtType = 'JWT' | 'absent';

type RequiredClaim = 'iat' | 'sub' | 'client_id' | 'jti';

/** Options of {@link createJwtValidator}. The insecure ones are weaker than RFC 9068. */
export interface JwtValidatorOptions {
  /** The trusted issuer identifier, compared character by character. */
  readonly issuer: string;
  /** The resource indicators of this API. A token must name one of them. */
  readonly audience: string | readonly string[];
  /** Accepted `alg` values, asymmetric only. Default: {@link defaultJwtAlgorithms}. */
  readonly algorithms?: readonly string[];
  /** Tolerance for `exp` and `nbf` in seconds. Default: 0. */
  readonly clockTolerance?: number;
  /** Claims that are required besides `iss`, `aud` and `exp`. Default: all that RFC 9068 section 2.2 requires. */
  readonly requiredClaims?: readonly RequiredClaim[];
  /** Claims that hold scopes, as a string or a list. They are joined into `scope`. Default: `scope`. */
  readonly scopeClaims?: readonly string[];
  /** Claims that may name the client. The first one that is present becomes `client_id`. Default: `client_id`. */
  readonly clientIdClaims?: readonly string[];
  /**
   * Accepts tokens of these types too. The claims then decide whether such a token is an access token, which is a guess: only
   * `at+jwt` guarantees that it is not an ID token.
   */
  readonly insecureTypes?: readonly InsecureJwtType[];
  /** Accepts tokens without `aud` or with an empty one. Then every access token of the issuer is valid here. Default: false. */
  readonly insecureMissingAudience?: boolean;
}

/** Dependencies of {@link createJwtValidator}. */
export interface JwtValidatorDependencies {
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** A verified JWT access token. */
export interface VerifiedJwt {
  readonly claims: JwtAccessTokenClaims;
  /** The `kid` of its header, if there is one. */
  readonly kid: string | undefined;
}

/** An {@link AccessTokenValidator} for JWTs. */
export interface JwtValidator extends AccessTokenValidator {
  validate(token: string): Promise<JwtAccessTokenClaims>;
  /** Like `validate`, and also returns the `kid`, so that a cached JWT can be dropped when its key leaves the JWKS. */
  verifyJwt(token: string): Promise<VerifiedJwt>;
}

/** The default of `algorithms`. */
export const defaultJwtAlgorithms = ['ES256', 'ES384', 'ES512', 'RS256', 'PS256', 'EdDSA', 'Ed25519'] as const;
/** In characters. Longer tokens are refused before any work is done on them. */
const maximumLength = 64 * 1024;

/**
 * Validates JWT access tokens (RFC 9068 section 4): `typ`, signature, `iss`, `aud`, `exp`, `nbf`, and the presence of the
 * claims that section 2.2 requires.
 *
 * Its `validate` and `verifyJwt` throw AccessTokenError `invalid_token` for a refused token, and ValidationUnavailableError
 * when the keys cannot be fetched.
 *
 * @throws TypeError for an option of the wrong type, or for an algorithm that is symmetric or `none` (RFC 8725 section 3.1)
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
  const claimOptions = { requiredClaims, scopeClaims, clientIdClaims };
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
      return { claims: checkedClaims(payload, claimOptions), kid: protectedHeader.kid };
    } catch (error) {
      if (error instanceof ResourceServerError) throw error;
      if (error instanceof errors.JOSEError) throw jwtFailure(error);
      // Any other error of jose is about the key and not about the token, for example an RSA key that is too short.
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

type ClaimOptions = Required<Pick<JwtValidatorOptions, 'requiredClaims' | 'scopeClaims' | 'clientIdClaims'>>;

/** jose checks that claims are present; this checks their types (RFC 9068 section 2.2, RFC 8693 section 4.2). */
function checkedClaims(payload: JWTPayload, options: ClaimOptions): JwtAccessTokenClaims {
  const { requiredClaims, scopeClaims, clientIdClaims } = options;
  const clientId = clientIdClaims.map((claim) => payload[claim]).find((id) => id !== undefined);
  if (clientId === undefined && requiredClaims.includes('client_id')) throw claimFailure('client_id', 'missing');
  for (const [claim, value] of Object.entries({ sub: payload.sub, client_id: clientId, jti: payload.jti })) {
    if (value !== undefined && (typeof value !== 'string' || value === '')) throw claimFailure(claim, 'malformed');
  }
  const scope = readScope(payload, scopeClaims);
  if (scope === null) throw claimFailure('scope', 'malformed');
  // Usually nothing changes. A copy would make every later property access slower.
  if (scope === payload.scope && clientId === payload.client_id) return payload as JwtAccessTokenClaims;
  const normalized = { ...payload, scope, client_id: clientId };
  return Object.fromEntries(
    Object.entries(normalized).filter(([, value]) => value !== undefined),
  ) as unknown as JwtAccessTokenClaims;
}

/** Separates a verdict on the token from a failure to fetch keys. jose's own `getKey` throws errors of one class for both. */
function keyLookup(getKey: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await getKey(header, token);
    } catch (error) {
      if (error instanceof ResourceServerError) throw error;
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
        throw new AccessTokenError('invalid_token', 'the token is signed with an unknown key');
      }
      throw new ValidationUnavailableError('the keys to verify the token could not be fetched', { cause: error });
    }
  };
}

/** @throws AccessTokenError for a `typ` that is not accepted, and for claims of another kind of token */
function checkKind(typ: string | undefined, payload: JWTPayload, insecureTypes: readonly InsecureJwtType[]): void {
  // RFC 7515 section 4.1.9: the prefix `application/` is optional.
  const type = typ?.toLowerCase().replace(/^application\//, '');
  if (type === 'at+jwt') return;
  const accepted = insecureTypes.map((insecure) => (insecure === 'absent' ? undefined : 'jwt'));
  if (type !== undefined && type !== 'jwt') throw claimFailure('typ', 'refused');
  if (!accepted.includes(type)) throw claimFailure('typ', 'refused');
  if (!looksLikeAccessToken(payload)) throw claimFailure('kind', 'refused');
}

function checkAudience({ aud }: JWTPayload, audiences: readonly string[]): void {
  const names = [aud ?? []].flat();
  if (names.length > 0 && !names.some((name) => audiences.includes(name))) throw claimFailure('aud', 'refused');
}
