import { AccessTokenError, type BearerRequest, readBearerToken } from '@tallystick/resource-server';
import { tokenKey } from '@tallystick/token-store';
import type { AccessTokenStyle } from './access_token_style.ts';

/** What a client presents. */
export interface Credentials {
  /** The client-held token. It is not logged, not cached, and not part of any message. */
  readonly token: string;
  /** Its token key. */
  readonly key: string;
}

/**
 * What a token of each style looks like. Anything else is refused without a lookup.
 *
 * `split`: a signature is 86 characters long with ES256 and EdDSA, 683 with RSA and 4096 bits.
 */
const shapes: Readonly<Record<AccessTokenStyle, RegExp>> = {
  jwt: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  opaque: /^[\w-]{16,512}$/,
  phantom: /^[\w-]{16,512}$/,
  split: /^[\w-]{64,1024}$/,
};

/**
 * Reads the access token of a request from its `Authorization` header.
 *
 * @throws {AccessTokenError} `missing_token`, `invalid_request`, or `invalid_token` for one that cannot be of this style
 */
export function readCredentials(request: BearerRequest, style: AccessTokenStyle): Credentials {
  return credentialsOf(readBearerToken(request), style);
}

/** @throws {AccessTokenError} `invalid_token` for a token that cannot be of this style */
export function credentialsOf(token: string, style: AccessTokenStyle): Credentials {
  if (!shapes[style].test(token)) throw new AccessTokenError('invalid_token', 'the access token is malformed');
  return { token, key: tokenKey(token) };
}
