import { type AccessTokenClaims, AccessTokenError } from '@tallystick/resource-server';

/**
 * A token with `cnf` is good only together with a proof of possession (RFC 9449 section 6, RFC 8705 section 3). Proofs are not
 * looked at yet, so such a token is refused: as a bearer token it would be worth what a stolen one is.
 *
 * @throws {AccessTokenError} `invalid_token`
 */
export function checkSenderConstraint(claims: AccessTokenClaims | undefined): void {
  if (claims?.cnf === undefined) return;
  throw new AccessTokenError(
    'invalid_token',
    'the access token is sender-constrained, which this gateway cannot check',
  );
}
