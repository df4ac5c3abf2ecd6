import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import { isPermissiveClient } from '../permissive/clients.ts';

/**
 * Reads the requested scopes.
 *
 * @returns undefined if the request has no `scope`, which leaves the choice to the authorization server (RFC 6749 section 3.3)
 * @throws {errors.InvalidScope} a scope is not available
 */
function requestedScopes(scope: unknown, available: ReadonlySet<string>): string[] | undefined {
  if (typeof scope !== 'string') return undefined;
  const requested = [...new Set(scope.split(' '))];
  const refused = requested.filter((name) => !available.has(name));
  if (refused.length > 0)
    throw new errors.InvalidScope('the request exceeds the scopes that can be granted', refused.join(' '));
  return requested;
}

/**
 * The scopes that a token request grants: the requested ones, or the default. The clients of a permissive issuer get every scope.
 *
 * @throws {errors.InvalidScope} a scope is not available
 */
export function grantedScopes(
  { oidc: { client, params } }: TokenEndpointGrantContext,
  available: Iterable<string>,
  byDefault: readonly string[] = [],
): readonly string[] {
  const requested = isPermissiveClient(client)
    ? String(params.scope ?? '')
        .split(' ')
        .filter(Boolean)
    : [];
  return requestedScopes(params.scope, new Set([...available, ...requested])) ?? byDefault;
}

/** @throws {errors.InvalidRequest} the parameter is missing */
export function requiredParameter(params: object, name: string): string {
  const value = (params as Record<string, unknown>)[name];
  if (typeof value !== 'string') throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
}

/** An `invalid_grant` error (RFC 6749 section 5.2) with a description that reaches the client; oidc-provider hides its own. */
export function refusedGrant(description: string): Error {
  const error = new errors.InvalidGrant(description);
  error.error_description = description;
  return error;
}
