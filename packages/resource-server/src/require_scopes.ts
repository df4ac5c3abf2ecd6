import type { AccessTokenClaims } from './access_token_claims.ts';
import { AccessTokenError } from './errors.ts';

/**
 * The scopes that a request needs (RFC 6749 section 3.3): a list stands for all of them. Of an object with both members, both
 * must be satisfied.
 *
 * @example `['read', 'write']`, `{ anyOf: ['read', 'admin'] }`, `{ allOf: ['orders'], anyOf: ['read', 'admin'] }`
 */
export type RequiredScopes =
  | readonly string[]
  | { readonly allOf?: readonly string[] | undefined; readonly anyOf?: readonly string[] | undefined };

/**
 * Lets the token pass if it has the scopes.
 *
 * @throws AccessTokenError `insufficient_scope` naming all the scopes there are, those the token has and every alternative
 *   included: a token with all of them would do, and the client can ask for it at once (RFC 6750 section 3.1).
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

/** Every scope that is named, once. */
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
