import { AccessTokenError } from '@tallystick/resource-server';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Candidate, Lookup, Resolver } from './resolver.ts';
import type { SharedLevel } from './shared_level.ts';
import type { FillCache, ResolvedToken } from './token_cache.ts';
import type { Validate } from './validate.ts';

export interface FillDependencies {
  /** The resolver of a route whose style has JWTs. */
  readonly resolverFor: (route: ProtectedRoute) => Resolver;
  readonly validate: Validate;
  /** The second level of the cache, for routes whose lookups need a call to the authorization server. */
  readonly sharedFor: (route: ProtectedRoute) => SharedLevel | undefined;
}

export function createFillCache({ resolverFor, validate, sharedFor }: FillDependencies): FillCache {
  async function toResolved(candidate: Candidate, lookup: Lookup): Promise<ResolvedToken> {
    const verified = await validate(candidate, lookup);
    return { ...verified, kept: resolverFor(lookup.route).keep(candidate.jwt), maxAge: candidate.maxAge };
  }

  async function findShared(lookup: Lookup): Promise<ResolvedToken | undefined> {
    const { route, credentials } = lookup;
    const candidate = await sharedFor(route)?.find(route.cachePartition, credentials.token);
    if (candidate === undefined) return undefined;
    try {
      return await toResolved(candidate, lookup);
    } catch (error) {
      // An invalid entry in the store is no verdict on the token: the authorization server decides.
      if (error instanceof AccessTokenError) return undefined;
      throw error;
    }
  }

  return async (lookup) => {
    const { route, credentials, decision } = lookup;
    const shared = await findShared(lookup);
    if (shared !== undefined) {
      decision.cache = 'shared';
      return shared;
    }
    const candidate = await resolverFor(route).find(lookup);
    if (candidate === undefined) return undefined;
    const token = await toResolved(candidate, lookup);
    sharedFor(route)?.keep(route.cachePartition, credentials.token, candidate, token.claims.exp);
    return token;
  };
}
