import { AccessTokenError, type BearerRequest, readBearerToken } from '@tallystick/resource-server';
import { tokenKey } from '@tallystick/token-store';

/** What a client presents. */
export interface Credentials {
  /** The client-held token. It is not logged, not cached, and not part of any message. */
  readonly token: string;
  /** Its token key. */
  readonly key: string;
}

/**
 * Reads the access token of a request from its `Authorization` header.
 *
 * @param shape what tokens of the route look like
 * @throws {AccessTokenError} `missing_token`, `invalid_request`, or `invalid_token` for one of impossible shape
 */
export function readCredentials(request: BearerRequest, shape: RegExp): Credentials {
  return credentialsOf(readBearerToken(request), shape);
}

/** @throws {AccessTokenError} `invalid_token` for a token of impossible shape */
export function credentialsOf(token: string, shape: RegExp): Credentials {
  if (!shape.test(token)) throw new AccessTokenError('invalid_token', 'the access token is malformed');
  return { token, key: tokenKey(token) };
}
