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
