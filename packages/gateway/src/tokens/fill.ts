import { AccessTokenError } from '@tallystick/resource-server';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Lookup } from './lookup.ts';
import type { Candidate, Resolver } from './resolver.ts';
import type { SharedLevel } from './shared_level.ts';
import type { FillCache, ResolvedToken } from './token_cache.ts';
import type { Validate } from './validate.ts';

export interface FillDependencies {
  /** How a route whose style has JWTs finds them. */
  readonly resolverFor: (route: ProtectedRoute) => Resolver;
  readonly validate: Validate;
  /** The second level, for routes whose tokens it takes a call to the authorization server to find out about. */
  readonly sharedFor: (route: ProtectedRoute) => SharedLevel | undefined;
}

export function createFillCache({ resolverFor, validate, sharedFor }: FillDependencies): FillCache {
  async function resolved(candidate: Candidate, lookup: Lookup): Promise<ResolvedToken> {
    const verified = await validate(candidate, lookup);
    return { ...verified, kept: resolverFor(lookup.route).keep(candidate.jwt), maxAge: candidate.maxAge };
  }

  async function findShared(lookup: Lookup): Promise<ResolvedToken | undefined> {
    const { route, credentials } = lookup;
    const candidate = await sharedFor(route)?.find(route.cachePartition, credentials.token);
    if (candidate === undefined) return undefined;
    try {
      return await resolved(candidate, lookup);
    } catch (error) {
      // Whatever lies in the store, the last word is the authorization server's.
      if (error instanceof AccessTokenError) return undefined;
      throw error;
    }
  }

  return async (lookup) => {
    const { route, credentials, decision } = lookup;
    const known = await findShared(lookup);
    if (known !== undefined) {
      decision.cache = 'shared';
      return known;
    }
    const candidate = await resolverFor(route).find(lookup);
    if (candidate === undefined) return undefined;
    const token = await resolved(candidate, lookup);
    sharedFor(route)?.keep(route.cachePartition, credentials.token, candidate, token.claims.exp);
    return token;
  };
}
