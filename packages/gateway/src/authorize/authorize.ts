import { type AccessTokenClaims, requireScopes } from '@tallystick/resource-server';
import { RequestError } from '../http/errors.ts';
import type { ProtectedRoute } from '../routes/route.ts';

/**
 * Lets a request pass that has the scopes its route needs for its method. Where there are no claims, because the API finds
 * them out for itself, only the method is looked at.
 *
 * @throws {AccessTokenError} `insufficient_scope`
 * @throws {RequestError} `method_not_allowed` for a method that the route has no scopes for
 */
export function authorize(route: ProtectedRoute, method: string, claims: AccessTokenClaims | undefined): void {
  const scopes = route.scopes.get(method) ?? route.scopes.get('*');
  if (scopes === undefined) throw new RequestError('method_not_allowed', 'the API does not serve this method');
  if (claims !== undefined) requireScopes(claims, scopes);
}
