import type { AccessTokenClaims } from './access_token_claims.ts';
import { AccessTokenError } from './errors.ts';

/**
 * Lets the token pass if it has every one of the scopes (RFC 6749 section 3.3).
 *
 * @throws AccessTokenError `insufficient_scope` naming all the required scopes, those the token has included, so that the
 *   client can ask for them at once (RFC 6750 section 3.1).
 */
export function requireScopes(claims: Pick<AccessTokenClaims, 'scope'>, scopes: readonly string[]): void {
  const granted = new Set(claims.scope?.split(' '));
  if (scopes.every((scope) => granted.has(scope))) return;
  throw new AccessTokenError('insufficient_scope', `the request needs the scope ${scopes.join(' ')}`, {
    scope: [...scopes],
  });
}
