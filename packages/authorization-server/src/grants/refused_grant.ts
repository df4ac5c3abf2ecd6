import { errors } from 'oidc-provider';

/** `invalid_grant` (RFC 6749 section 5.2) that says why; oidc-provider's own says nothing. */
export function refusedGrant(why: string): Error {
  const error = new errors.InvalidGrant(why);
  error.error_description = why;
  return error;
}
