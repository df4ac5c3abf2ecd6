/** Grant names in the configuration, and the `grant_type` values of token requests. */
export const GRANT_TYPES = {
  authorization_code: 'authorization_code',
  client_credentials: 'client_credentials',
  /** OpenID Connect Core sections 3.2 and 3.3 */
  implicit: 'implicit',
  refresh_token: 'refresh_token',
  /** RFC 8628 section 3.4 */
  device_code: 'urn:ietf:params:oauth:grant-type:device_code',
  /** CIBA Core section 4 */
  ciba: 'urn:openid:params:grant-type:ciba',
  /** RFC 8693 section 2.1 */
  token_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  /** RFC 7523 section 2.1 */
  jwt_bearer: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
  /** RFC 6749 section 4.3 */
  password: 'password',
} as const;

export type GrantName = keyof typeof GRANT_TYPES;
