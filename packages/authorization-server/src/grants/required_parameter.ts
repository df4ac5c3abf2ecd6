import { errors } from 'oidc-provider';

/** @throws {errors.InvalidRequest} the parameter is missing */
export function requiredParameter(params: object, name: string): string {
  const value = (params as Record<string, unknown>)[name];
  if (typeof value !== 'string') throw new errors.InvalidRequest(`missing required parameter '${name}'`);
  return value;
}
