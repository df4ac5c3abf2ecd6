import type { IssuedToken } from '@tallystick/authorization-server';
import { tokenKey } from '@tallystick/token-store';

/**
 * An access token in all its forms. Where a string is expected it is the token that the client holds:
 * `headers: { Authorization: `Bearer ${token}` }`.
 */
export class Token implements IssuedToken {
  /** The token that the client holds. */
  readonly accessToken: string;
  /** The JWT for the API. Absent for a token without an API. */
  declare readonly jwt?: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch seconds. */
  readonly expiresAt: number;
  /** The token key: BASE64URL(SHA-256(access token)), as in logs, traces and the store. */
  readonly key: string;

  constructor({ accessToken, jwt, tokenType, expiresAt }: IssuedToken) {
    this.accessToken = accessToken;
    if (jwt !== undefined) this.jwt = jwt;
    this.tokenType = tokenType;
    this.expiresAt = expiresAt;
    this.key = tokenKey(accessToken);
  }

  toString(): string {
    return this.accessToken;
  }
}
