import { errors } from 'oidc-provider';

/** The actor, with earlier actors nested inside (RFC 8693 section 4.1). */
export interface ActClaim {
  readonly sub: string;
  readonly act?: ActClaim;
}

/** Longer chains would make tokens too large for HTTP headers. */
const MAX_CHAIN_LENGTH = 8;

/**
 * Adds an actor to the chain. The least recent actor is nested most deeply.
 *
 * @throws {errors.InvalidRequest} the chain would be too long
 */
export function actingBy(actor: string, before: ActClaim | undefined): ActClaim {
  if (lengthOf(before) >= MAX_CHAIN_LENGTH)
    throw new errors.InvalidRequest(
      `the subject_token has already been delegated ${MAX_CHAIN_LENGTH} times, which is the maximum`,
    );
  return before === undefined ? { sub: actor } : { sub: actor, act: before };
}

/** The `act` claim of a token that this server issued; {@link actingBy} made it. */
export function actClaimOf(claims: { readonly [name: string]: unknown } | undefined): ActClaim | undefined {
  return claims?.act as ActClaim | undefined;
}

function lengthOf(chain: ActClaim | undefined): number {
  return chain === undefined ? 0 : 1 + lengthOf(chain.act);
}
