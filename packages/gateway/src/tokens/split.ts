import { signingInputOf } from '@tallystick/common';
import { InvalidValidatorResponseError, ValidationUnavailableError } from '@tallystick/resource-server';
import { type SplitEntries, StoreUnavailableError } from '@tallystick/token-store';
import type { Introspect } from '../authorization_server/introspect.ts';
import type { Candidate, Resolver } from './resolver.ts';
import { throwStoreFailure } from './store_failure.ts';

export interface SplitResolverDependencies {
  readonly splitEntries: SplitEntries;
  /** Used when the store has no entry, or cannot be reached. Without it, the store decides. */
  readonly introspect?: Introspect | undefined;
  /** Used when the store has no entry, and may have evicted it. */
  readonly introspectEvicted?: Introspect | undefined;
}

/** `split`: the client holds the signature, and the store holds the signing input (RFC 7515 section 2). */
export function createSplitResolver({
  splitEntries,
  introspect,
  introspectEvicted,
}: SplitResolverDependencies): Resolver {
  async function findEntry(signature: string): Promise<string | undefined> {
    try {
      return await splitEntries.find(signature);
    } catch (cause) {
      if (cause instanceof StoreUnavailableError && introspect !== undefined) return undefined;
      return throwStoreFailure(cause);
    }
  }

  /** The introspection to use for a token that the store does not have, if any. */
  function fallback(): Introspect | undefined {
    if (introspect !== undefined || !splitEntries.mayLack()) return introspect;
    if (introspectEvicted !== undefined) return introspectEvicted;
    throw new ValidationUnavailableError(
      'the token store may have evicted the entry, and the issuer has no introspection endpoint',
    );
  }

  return {
    async find(lookup): Promise<Candidate | undefined> {
      const { token: signature } = lookup.credentials;
      const signingInput = await findEntry(signature);
      if (signingInput !== undefined) {
        return { jwt: `${signingInput}.${signature}`, source: 'store', maxAge: Number.POSITIVE_INFINITY };
      }
      const answer = await fallback()?.(lookup);
      if (answer === undefined) return undefined;
      if (!('jwt' in answer) || !answer.jwt.endsWith(`.${signature}`)) {
        throw new InvalidValidatorResponseError('the authorization server answered with the JWT of another token');
      }
      return { jwt: answer.jwt, source: 'authorization server', maxAge: answer.maxAge };
    },
    keep: signingInputOf,
    join: (signingInput, signature) => `${signingInput}.${signature}`,
  };
}
