import { errors } from 'oidc-provider';

/**
 * The scopes that a token request asks for.
 *
 * @returns undefined when it leaves that to the authorization server (RFC 6749 section 3.3)
 * @throws {errors.InvalidScope} one of them is not to be had
 */
export function requestedScopes(scope: unknown, available: ReadonlySet<string>): string[] | undefined {
  if (typeof scope !== 'string') return undefined;
  const requested = [...new Set(scope.split(' '))];
  const refused = requested.filter((name) => !available.has(name));
  if (refused.length > 0)
    throw new errors.InvalidScope('the scope exceeds what may be granted here', refused.join(' '));
  return requested;
}
