/**
 * What is known about an accepted access token. RFC 7662 section 2.2 leaves most of it optional; a JWT that was accepted
 * carries more of it: see {@link JwtAccessTokenClaims}.
 */
export interface AccessTokenClaims {
  readonly iss?: string;
  readonly sub?: string;
  /** Resource indicators of the APIs the token is for. */
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
 * The claims of a JWT access token. By default it has all those that RFC 9068 section 2.2 requires, `client_id` and `jti` too: see
 * `requiredClaims` of the validator.
 */
export interface JwtAccessTokenClaims extends AccessTokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly exp: number;
  readonly iat: number;
}

/** Decides whether an access token is good for this API. */
export interface AccessTokenValidator {
  /**
   * @param token - the access token exactly as the client sent it.
   * @returns the token's claims. Whether it comes from whom it is bound to (`cnf`), {@link authenticate} finds out.
   * @throws AccessTokenError `invalid_token` when the token is not good for this API.
   * @throws ValidationUnavailableError when that could not be found out.
   * @throws ValidatorRefusedError when the authorization server refuses to tell us.
   */
  validate(token: string): Promise<AccessTokenClaims>;
}

/**
 * Reads scopes from the claims that an authorization server has them in: a text of them (RFC 6749 section 3.3), or a list.
 *
 * @param names of these claims; what they hold is put together
 * @returns scopes with a space between them, undefined without any of the claims, null when one is malformed
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

/** The claim that names the client: of RFC 9068, of OpenID Connect and Keycloak, Auth0 and Entra, of Okta, and of Entra's first version. */
export const foreignClientIdClaims: readonly string[] = ['client_id', 'azp', 'cid', 'appid'];
