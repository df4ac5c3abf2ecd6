import type { InsecureJwtType } from '@tallystick/resource-server';

/** What is accepted of an authorization server's JWTs that is not as RFC 9068 has it. */
export interface JwtConfig {
  /** JWS algorithms, asymmetric only. Default: `defaultJwtAlgorithms` of the resource server. */
  readonly algorithms?: readonly string[];
  /**
   * Types beside `at+jwt`. Weaker than RFC 9068 (section 4): only by its claims it can then be guessed that a JWT is no ID token.
   * Default: none.
   */
  readonly insecureTypes?: readonly InsecureJwtType[];
  /**
   * Takes JWTs whose `aud` is absent or empty. Weaker than RFC 9068 (section 4): every access token of the issuer is then one for each of
   * the routes that name it. Default: false.
   */
  readonly insecureMissingAudience?: boolean;
}
