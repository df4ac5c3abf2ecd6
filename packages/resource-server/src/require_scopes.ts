import type { AccessTokenClaims } from './access_token_claims.ts';
import { AccessTokenError } from './errors.ts';

/**
 * The scopes that a request needs (RFC 6749 section 3.3). A list means all of them. An object with both members requires both.
 *
 * @example `['read', 'write']`, `{ anyOf: ['read', 'admin'] }`, `{ allOf: ['orders'], anyOf: ['read', 'admin'] }`
 */
export type RequiredScopes =
  | readonly string[]
  | { readonly allOf?: readonly string[] | undefined; readonly anyOf?: readonly string[] | undefined };

/**
 * Checks that the token has the required scopes.
 *
 * @throws AccessTokenError `insufficient_scope` with every scope that the requirement names, so that the client can request a
 *   sufficient token at once (RFC 6750 section 3.1)
 */
export function requireScopes(claims: Pick<AccessTokenClaims, 'scope'>, required: RequiredScopes): void {
  const { allOf = [], anyOf } = membersOf(required);
  const granted = claims.scope?.split(' ') ?? [];
  const has = (scope: string) => granted.includes(scope);
  if (allOf.every(has) && (anyOf?.some(has) ?? true)) return;
  throw new AccessTokenError('insufficient_scope', `the request needs ${described(allOf, anyOf)}`, {
    scope: scopeNames(required),
  });
}

/** Every scope that the requirement names, once. */
export function scopeNames(required: RequiredScopes): string[] {
  const { allOf = [], anyOf = [] } = membersOf(required);
  return [...new Set([...allOf, ...anyOf])];
}

function membersOf(required: RequiredScopes): Exclude<RequiredScopes, readonly string[]> {
  return isList(required) ? { allOf: required } : required;
}

function isList(required: RequiredScopes): required is readonly string[] {
  return Array.isArray(required);
}

function described(allOf: readonly string[], anyOf: readonly string[] | undefined): string {
  const all = allOf.length > 0 ? [`the scope ${allOf.join(' ')}`] : [];
  const any = anyOf === undefined ? [] : [`one of the scopes ${anyOf.join(' ')}`];
  return [...all, ...any].join(' and ');
}
