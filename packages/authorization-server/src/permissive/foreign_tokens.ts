import { decodeJwt, type JWTPayload } from 'jose';
import { type PresentedToken, refusedToken, type TokenReader } from '../grants/presented_token.ts';
import type { AddUser } from '../sign_in/login_form.ts';

export interface ForeignTokensOptions {
  /** This authorization server. Its own tokens must be valid. */
  readonly issuer: string;
  /** Reads tokens of this authorization server. */
  readonly readToken: TokenReader;
  readonly addUser: AddUser;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Creates the reader for tokens that clients of a permissive issuer present. It believes a JWT of any other issuer without
 * verifying its signature, as mocks do: everyone who reaches a permissive issuer gets any token anyway. Its expiry counts.
 */
export function createForeignTokenReader({ issuer, readToken, addUser, now }: ForeignTokensOptions): TokenReader {
  return async (token, type, parameter) => {
    const claims = claimsOf(token);
    if (claims === undefined || claims.iss === issuer) return readToken(token, type, parameter);
    const { sub, exp, nbf = 0 } = claims;
    const time = now() / 1000;
    if ((exp !== undefined && !(exp > time)) || nbf > time) throw refusedToken(parameter, 'is not valid at this time');
    if (typeof sub !== 'string' || !(await addUser(sub)))
      throw refusedToken(parameter, 'has a sub that cannot be the name of a user');
    return foreignToken(sub, claims);
  };
}

function foreignToken(subject: string, { scope, exp = Number.POSITIVE_INFINITY }: JWTPayload): PresentedToken {
  const scopes = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : [];
  return { subject, subjectIsUser: true, clientId: '', scopes: new Set(scopes), exp };
}

function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined; // A reference token.
  }
}
