import { InvalidValidatorResponseError } from '@tallystick/resource-server';
import type { Introspect, IntrospectionAnswer } from '../authorization_server/introspect.ts';
import {
  checkIntrospection,
  type IntrospectionExpectations,
  type TokenIntrospection,
} from '../authorization_server/read_introspection.ts';
import type { OwnJwts } from './own_jwts.ts';
import type { Candidate, Resolver } from './resolver.ts';

export interface PhantomResolverDependencies {
  readonly introspect: Introspect;
  /** Makes the JWT where the authorization server has none. */
  readonly translate: Translate;
}

/** `phantom`: the client holds a reference, the authorization server turns it into the JWT. */
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
 * Makes the JWT for an API of what the authorization server says of a client-held token.
 *
 * @throws {AccessTokenError} `invalid_token` when the token is not for the API, or not at this time
 * @throws {InvalidValidatorResponseError} when what it says cannot be believed, or the gateway makes no JWTs
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
    const audience = checkIntrospection(introspection, expectations, now());
    if (ownJwts === undefined) {
      throw new InvalidValidatorResponseError('the authorization server answered without a JWT');
    }
    return ownJwts.make(introspection, audience, token);
  };
}
