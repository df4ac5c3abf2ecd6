import { AccessTokenError, type JwtAccessTokenClaims } from '@tallystick/resource-server';
import { decodeJwt } from 'jose';
import type { IntrospectionAnswer } from '../authorization_server/introspect.ts';
import { type Issuers, issuerOf } from '../authorization_server/issuers.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import type { Lookup } from './resolver.ts';
import type { FillCache, TokenCache } from './token_cache.ts';

/** How long a token is valid. */
export interface Validity {
  /** Epoch milliseconds. */
  readonly until: number;
  /** Whether the token itself expires then. Otherwise the JWT does that the gateway made for it, with a shorter lifetime. */
  readonly isFinal: boolean;
}

/** The gateway has not asked about the token yet. */
export const UNKNOWN: Validity = { until: Number.POSITIVE_INFINITY, isFinal: true };

/** The authorization server does not tell the gateway about the token. */
const UNDISCLOSED: Validity = { ...UNKNOWN };

/**
 * Looks a token up once more, after it was accepted.
 *
 * @param known the validity from the lookup before
 * @throws {AccessTokenError} the token is no longer valid; and whatever a lookup throws
 */
export type FindValidity = (token: Omit<Lookup, 'decision'>, known: Validity) => Promise<Validity>;

export interface FindValidityDependencies {
  readonly cache: Pick<TokenCache, 'resolve'>;
  readonly fill: FillCache;
  readonly issuers: Issuers;
}

export function createFindValidity({ cache, fill, issuers }: FindValidityDependencies): FindValidity {
  /**
   * The API has accepted the token, and the gateway does not overrule it. If the authorization server calls the token inactive right
   * after that, it does not tell the gateway about such tokens.
   */
  async function opaqueValidity(lookup: Lookup, known: Validity): Promise<Validity> {
    const answer = await issuerOf(issuers, lookup.route).introspection?.introspect(lookup);
    if (answer !== undefined) return { until: expiryOf(answer), isFinal: true };
    if (known === UNKNOWN || known === UNDISCLOSED) return UNDISCLOSED;
    const problem = lookup.decision.tokenProblem;
    throw new AccessTokenError('invalid_token', 'the access token is not active', { problem });
  }

  return async ({ route, credentials, sender }, known) => {
    const lookup: Lookup = { route, credentials, sender, decision: { cache: 'none' } };
    if (route.accessTokens === 'opaque') return opaqueValidity(lookup, known);
    const { claims } = await cache.resolve(lookup, fill);
    return validityOf(claims, route);
  };
}

export function validityOf({ exp, iss }: JwtAccessTokenClaims, route: ProtectedRoute): Validity {
  return { until: exp * 1000, isFinal: iss === route.issuer };
}

/** The JWT is not validated: only its expiry is used, and no request is let through for it. */
function expiryOf(answer: IntrospectionAnswer): number {
  try {
    const { exp } = 'jwt' in answer ? decodeJwt(answer.jwt) : answer.introspection;
    return exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000;
  } catch {
    return Number.POSITIVE_INFINITY; // The JWT cannot be read, for example because it is encrypted.
  }
}
