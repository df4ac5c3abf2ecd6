import { AccessTokenError } from '@tallystick/resource-server';
import type { Credentials } from '../authorize/credentials.ts';
import type { Decision } from '../decision.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Candidate, Resolver } from './resolver.ts';
import type { SharedLevel } from './shared_level.ts';
import type { ResolvedToken } from './token_cache.ts';
import type { Validate } from './validate.ts';

export interface FillDependencies {
  /** How a route whose style has JWTs finds them. */
  readonly resolverFor: (route: ProtectedRoute) => Resolver;
  readonly validate: Validate;
  /** The second level, for routes whose tokens it takes a call to the authorization server to find out about. */
  readonly sharedFor: (route: ProtectedRoute) => SharedLevel | undefined;
}

/**
 * Finds the JWT of a client-held token and validates it, for the cache and for those who wait.
 *
 * @param sender who sent the request
 * @returns undefined when there is no active token
 */
export type FillCache = (
  route: ProtectedRoute,
  credentials: Credentials,
  decision: Decision,
  sender: string,
) => Promise<ResolvedToken | undefined>;

export function createFillCache({ resolverFor, validate, sharedFor }: FillDependencies): FillCache {
  async function resolved(
    candidate: Candidate,
    route: ProtectedRoute,
    credentials: Credentials,
  ): Promise<ResolvedToken> {
    const verified = await validate(candidate, route, credentials);
    return { ...verified, kept: resolverFor(route).keep(candidate.jwt), maxAge: candidate.maxAge };
  }

  async function findShared(route: ProtectedRoute, credentials: Credentials): Promise<ResolvedToken | undefined> {
    const candidate = await sharedFor(route)?.find(route.cachePartition, credentials.token);
    if (candidate === undefined) return undefined;
    try {
      return await resolved(candidate, route, credentials);
    } catch (error) {
      // Whatever lies in the store, the last word is the authorization server's.
      if (error instanceof AccessTokenError) return undefined;
      throw error;
    }
  }

  return async (route, credentials, decision, sender) => {
    const known = await findShared(route, credentials);
    if (known !== undefined) {
      decision.cache = 'shared';
      return known;
    }
    const candidate = await resolverFor(route).find(credentials, sender, decision.trace);
    if (candidate === undefined) return undefined;
    const token = await resolved(candidate, route, credentials);
    sharedFor(route)?.keep(route.cachePartition, credentials.token, candidate, token.claims.exp);
    return token;
  };
}
