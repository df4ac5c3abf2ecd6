import type { IncomingMessage } from 'node:http';
import { AccessTokenError } from '@tallystick/resource-server';
import { type CsrfOptions, checkCsrf } from '../http/csrf.ts';
import { RequestError } from '../http/errors.ts';
import { readLongCookie } from '../http/long_cookies.ts';
import type { PublicOrigin } from '../http/public_origin.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';

/** A route whose access tokens come in a cookie. */
export interface TokenCookie extends CsrfOptions {
  readonly name: string;
}

/**
 * Reads the access token of a request from a cookie. A reference is there in plain form, any other token is sealed.
 *
 * @throws {AccessTokenError} `missing_token`, or `invalid_token` when the cookie cannot be opened
 * @throws {RequestError} `forbidden` for a request from another site's page; `invalid_request` for two tokens
 */
export type ReadTokenCookie = (request: IncomingMessage, cookie: TokenCookie) => Promise<string>;

export interface TokenCookieDependencies {
  readonly sealed: SealedCookies;
  readonly publicOrigin: PublicOrigin;
}

export function createReadTokenCookie({ sealed, publicOrigin }: TokenCookieDependencies): ReadTokenCookie {
  return async (request, cookie) => {
    const value = readLongCookie(request.headers.cookie, cookie.name);
    // RFC 6750 section 2: a client must use only one method to send the token.
    if (request.headers.authorization !== undefined) {
      throw new RequestError('invalid_request', 'this API takes access tokens from a cookie, not from Authorization');
    }
    if (value === undefined || value === '') throw new AccessTokenError('missing_token', 'an access token is required');
    checkCsrf(request, publicOrigin(request), cookie);
    if (!value.includes('.')) return value;
    const opened = await sealed.open<{ token: string }>(cookie.name, value);
    if (opened === undefined) throw new AccessTokenError('invalid_token', 'the cookie does not hold an access token');
    return opened.token;
  };
}
