/**
 * The claims of an accepted access token. RFC 7662 section 2.2 leaves most of them optional; an accepted JWT has more:
 * see {@link JwtAccessTokenClaims}.
 */
export interface AccessTokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  /** The resource indicators of the APIs that the token is for. */
  readonly aud: string | readonly string[];
  /** Seconds since the epoch. */
  readonly exp?: number;
  /** Seconds since the epoch. */
  readonly iat?: number;
  readonly jti?: string;
  readonly client_id?: string;
  /** Space-separated (RFC 6749 section 3.3). */
  readonly scope?: string;
  readonly [claim: string]: unknown;
}

/**
 * The claims of a JWT access token. By default it has all claims that RFC 9068 section 2.2 requires, `client_id` and `jti`
 * included: see `requiredClaims` of the validator.
 */
export interface JwtAccessTokenClaims extends AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly iat: number;
}

/** Decides whether an access token is valid for this API. */
export interface AccessTokenValidator {
  /**
   * Does not check the binding of the token to a key (`cnf`): {@link authenticate} does.
   *
   * @param token the access token, exactly as the client sent it
   * @throws AccessTokenError `invalid_token` when the token is not valid for this API
   * @throws ValidationUnavailableError when the validator could not reach a verdict
   * @throws ValidatorRefusedError when the authorization server refuses the credentials of this API
   */
  validate(token: string): Promise<AccessTokenClaims>;
}

/**
 * Reads the scopes of a token. A claim may hold a space-separated string (RFC 6749 section 3.3) or a list.
 *
 * @param names the claims to read; their scopes are joined
 * @returns a space-separated string, undefined when the token has none of the claims, null when one is malformed
 */
export function readScope(
  claims: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string | undefined | null {
  const values = names.map((name) => claims[name]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  const scopes = values.flat();
  return scopes.every((scope) => typeof scope === 'string') ? scopes.join(' ') : null;
}

/** The claim that names the client: in RFC 9068; in OpenID Connect, Keycloak, Auth0 and Entra; in Okta; in version 1 of Entra. */
export const foreignClientIdClaims: readonly string[] = ['client_id', 'azp', 'cid', 'appid'];
