import { AccessTokenError, type PresentedAccessToken } from '@tallystick/resource-server';
import { tokenKey } from '@tallystick/token-store';

/** What a client presents. */
export interface Credentials extends PresentedAccessToken {
  /** The client-held token. It is not logged, not cached, and not part of any message. */
  readonly token: string;
  /** Its token key. */
  readonly key: string;
}

/**
 * @param shape what tokens of the route look like
 * @throws {AccessTokenError} `invalid_token` for a token of impossible shape
 */
export function credentialsOf({ scheme, token }: PresentedAccessToken, shape: RegExp): Credentials {
  if (!shape.test(token)) throw new AccessTokenError('invalid_token', 'the access token is malformed');
  return { scheme, token, key: tokenKey(token) };
}
