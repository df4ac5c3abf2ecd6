import { errors } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';

/**
 * The API that a token request names: in `resource` (RFC 8707), or in `audience` (RFC 8693 section 2.1), which is the
 * same name here.
 *
 * @returns undefined when it names none
 * @throws {errors.InvalidTarget} it names several, or one that is not there
 */
export function requestedApi(
  apis: readonly ApiConfig[],
  { resource, audience }: { readonly resource?: unknown; readonly audience?: unknown },
): ApiConfig | undefined {
  const [name, ...more] = new Set([resource, audience].flat().filter((value) => value !== undefined));
  if (name === undefined) return undefined;
  if (more.length > 0) throw new errors.InvalidTarget('request one resource at a time');
  const api = apis.find((candidate) => candidate.resource === name);
  if (!api) throw new errors.InvalidTarget('the resource is not an API of this authorization server');
  return api;
}

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

/** @throws {errors.InvalidRequest} the parameter is missing */
export function requiredParameter(params: object, name: string): string {
  const value = (params as Record<string, unknown>)[name];
  if (typeof value !== 'string') throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
}

/** `invalid_grant` (RFC 6749 section 5.2) that says why; oidc-provider's own says nothing. */
export function refusedGrant(why: string): Error {
  const error = new errors.InvalidGrant(why);
  error.error_description = why;
  return error;
}
