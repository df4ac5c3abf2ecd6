import { AccessTokenError, type PresentedAccessToken } from '@tallystick/resource-server';
import { tokenKey } from '@tallystick/token-store';

/** The access token that a client presents. */
export interface Credentials extends PresentedAccessToken {
  /** The client-held token. It must not be logged, cached or quoted in messages. */
  readonly token: string;
  /** Its token key. */
  readonly key: string;
}

/**
 * @param shape that the tokens of the route have
 * @throws {AccessTokenError} `invalid_token` for a token of another shape
 */
export function credentialsOf({ scheme, token }: PresentedAccessToken, shape: RegExp): Credentials {
  if (!shape.test(token))
    throw new AccessTokenError('invalid_token', 'the access token is malformed', { problem: 'malformed' });
  return { scheme, token, key: tokenKey(token) };
}
