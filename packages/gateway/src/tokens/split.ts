import { signingInputOf } from '@tallystick/common';
import { InvalidValidatorResponseError, ValidationUnavailableError } from '@tallystick/resource-server';
import { type SplitEntries, StoreUnavailableError } from '@tallystick/token-store';
import type { Introspect } from '../authorization_server/introspect.ts';
import type { Candidate, Resolver } from './resolver.ts';

export interface SplitResolverDependencies {
  readonly splitEntries: SplitEntries;
  /** Asked when the store has no entry, or cannot be reached. Without it, the store has the last word. */
  readonly introspect?: Introspect | undefined;
  /** Asked when the store has no entry, and may have dropped it. */
  readonly introspectDropped?: Introspect | undefined;
}

/** `split`: the client holds the signature, the store the signing input (RFC 7515 section 2). */
export function createSplitResolver({
  splitEntries,
  introspect,
  introspectDropped,
}: SplitResolverDependencies): Resolver {
  async function findEntry(signature: string): Promise<string | undefined> {
    try {
      return await splitEntries.find(signature);
    } catch (cause) {
      if (!(cause instanceof StoreUnavailableError)) throw cause;
      if (introspect !== undefined) return undefined;
      throw new ValidationUnavailableError('the token store could not be reached', { cause });
    }
  }

  /** Who knows of a token that the store does not have. */
  function whoKnows(): Introspect | undefined {
    if (introspect !== undefined || !splitEntries.mayLack()) return introspect;
    if (introspectDropped !== undefined) return introspectDropped;
    throw new ValidationUnavailableError('the token store drops entries, and nobody else can be asked');
  }

  return {
    async find(lookup): Promise<Candidate | undefined> {
      const { token: signature } = lookup.credentials;
      const signingInput = await findEntry(signature);
      if (signingInput !== undefined) {
        return { jwt: `${signingInput}.${signature}`, source: 'store', maxAge: Number.POSITIVE_INFINITY };
      }
      const answer = await whoKnows()?.(lookup);
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
