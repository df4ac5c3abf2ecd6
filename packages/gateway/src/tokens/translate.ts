import { InvalidValidatorResponseError } from '@tallystick/resource-server';
import {
  checkIntrospection,
  type IntrospectionExpectations,
  type TokenIntrospection,
} from '../authorization_server/read_introspection.ts';
import type { OwnJwts } from './own_jwts.ts';

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
