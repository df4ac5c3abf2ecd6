import { StoreUnavailableError } from '@tallystick/token-store';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { JWKS } from 'oidc-provider';
import { TemporarilyUnavailable } from '../storage/store_errors.ts';

/** The kinds of JWTs that this authorization server issues to clients. */
export type OwnJwtKind = 'access token' | 'ID token';

/** The claims of an unexpired JWT that this authorization server signed. */
export interface OwnJwt extends JWTPayload {
  readonly sub: string;
  /** Epoch seconds. */
  readonly exp: number;
}

/** RFC 7515 section 7.1. Stricter than jose, which ignores white space that other readers of the token may not ignore. */
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi']);

/**
 * Creates the verification of JWTs that this authorization server signed: signature, issuer, expiry and type.
 *
 * @param dependencies.latestKeys reads the keys from the store: another authorization server may have made one a moment ago
 * @param dependencies.now the current time in epoch milliseconds
 */
export function createOwnJwtVerifier(
  issuer: string,
  { jwks, latestKeys, now }: { jwks: JWKS; latestKeys: () => Promise<JWKS>; now: () => number },
) {
  const known = createLocalJWKSet(publicKeysOf(jwks));
  const keys: JWTVerifyGetKey = async (header, token) => {
    try {
      return await known(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      return createLocalJWKSet(publicKeysOf(await latestKeys()))(header, token);
    }
  };
  async function verify(jwt: string, kind: OwnJwtKind): Promise<OwnJwt> {
    if (!compact.test(jwt)) throw new TypeError('the JWT is not in compact form');
    const { payload, protectedHeader } = await jwtVerify(jwt, keys, {
      issuer,
      requiredClaims: ['sub', 'exp', 'iat'],
      currentDate: new Date(now()),
      // RFC 9068 section 2.1. ID tokens have no specific type; the check below refuses other types.
      ...(kind === 'access token' ? { typ: 'at+jwt' } : undefined),
    });
    if (kind === 'ID token' && (protectedHeader.typ ?? 'JWT').toUpperCase() !== 'JWT')
      throw new TypeError('the JWT is not an ID token');
    if (typeof payload.sub !== 'string' || typeof payload.exp !== 'number') throw new TypeError('malformed claims');
    return payload as OwnJwt;
  }

  /**
   * @returns undefined for an invalid JWT, without the reason, which the client must not learn
   * @throws {TemporarilyUnavailable} the latest keys cannot be read from the store
   */
  return async function verifyOwnJwt(jwt: string, kind: OwnJwtKind): Promise<OwnJwt | undefined> {
    try {
      return await verify(jwt, kind);
    } catch (error) {
      if (error instanceof StoreUnavailableError) throw new TemporarilyUnavailable(error);
      return undefined;
    }
  };
}

/** Removes the private members of keys (RFC 7517 section 9.2, RFC 7518 section 6). */
export function publicKeysOf({ keys }: { readonly keys: readonly object[] }): JSONWebKeySet {
  const strip = (key: object) => Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE_MEMBERS.has(name)));
  return { keys: keys.map(strip) as JSONWebKeySet['keys'] };
}
