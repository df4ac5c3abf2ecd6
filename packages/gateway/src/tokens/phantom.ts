import { InvalidValidatorResponseError } from '@tallystick/resource-server';
import type { Introspect, IntrospectionAnswer } from '../authorization_server/introspect.ts';
import {
  type IntrospectionExpectations,
  requireAccessToken,
  type TokenIntrospection,
} from '../authorization_server/read_introspection.ts';
import type { OwnJwts } from './own_jwts.ts';
import type { Candidate, Resolver } from './resolver.ts';

export interface PhantomResolverDependencies {
  readonly introspect: Introspect;
  /** Makes the JWT when the authorization server has none. */
  readonly translate: Translate;
}

/** `phantom`: the client holds a reference. The authorization server turns it into the JWT. */
export function createPhantomResolver({ introspect, translate }: PhantomResolverDependencies): Resolver {
  async function toCandidate(answer: IntrospectionAnswer, token: string): Promise<Candidate> {
    const { maxAge } = answer;
    if ('jwt' in answer) return { jwt: answer.jwt, source: 'authorization server', maxAge };
    const jwt = await translate(answer.introspection, token);
    return { jwt, source: 'authorization server', maker: 'gateway', maxAge };
  }

  return {
    async find(lookup) {
      const answer = await introspect(lookup);
      return answer && toCandidate(answer, lookup.credentials.token);
    },
    keep: (jwt) => jwt,
    join: (kept) => kept,
  };
}

/**
 * Makes the JWT for an API from the introspection of a client-held token.
 *
 * @throws {AccessTokenError} `invalid_token` when the token is for another API, expired or not yet valid
 * @throws {InvalidValidatorResponseError} when the introspection is invalid, or the gateway makes no JWTs
 */
export type Translate = (introspection: TokenIntrospection, token: string) => Promise<string>;

export interface TranslateDependencies {
  readonly ownJwts: OwnJwts | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createTranslate(
  expectations: IntrospectionExpectations,
  { ownJwts, now }: TranslateDependencies,
): Translate {
  return async (introspection, token) => {
    const audience = requireAccessToken(introspection, expectations, now());
    if (ownJwts === undefined) {
      throw new InvalidValidatorResponseError('the authorization server answered without a JWT');
    }
    return ownJwts.make(introspection, audience, token);
  };
}
