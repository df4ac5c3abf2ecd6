import { errors } from 'oidc-provider';

/** Who acts for the subject, and within it who acted before (RFC 8693 section 4.1). */
export interface ActClaim {
  readonly sub: string;
  readonly act?: ActClaim;
}

/** Longer chains make tokens that no header takes; nobody delegates that often on purpose. */
const MAX_CHAIN_LENGTH = 8;

/**
 * The chain with one more actor; the least recent one is the most deeply nested.
 *
 * @throws {errors.InvalidRequest} the chain is too long
 */
export function actingBy(actor: string, before: ActClaim | undefined): ActClaim {
  if (lengthOf(before) >= MAX_CHAIN_LENGTH)
    throw new errors.InvalidRequest(`subject_token was delegated ${MAX_CHAIN_LENGTH} times already`);
  return before === undefined ? { sub: actor } : { sub: actor, act: before };
}

/** The `act` claim of a token of ours, which only this file makes. */
export function actClaimOf(claims: { readonly [name: string]: unknown } | undefined): ActClaim | undefined {
  return claims?.act as ActClaim | undefined;
}

function lengthOf(chain: ActClaim | undefined): number {
  return chain === undefined ? 0 : 1 + lengthOf(chain.act);
}
