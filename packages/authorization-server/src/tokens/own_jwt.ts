import { StoreUnavailableError } from '@tallystick/token-store';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose';
import type { JWKS } from 'oidc-provider';
import { TemporarilyUnavailable } from '../storage/store_errors.ts';

/** What a JWT of ours says it is. */
export type OwnJwtKind = 'access token' | 'ID token';

/** A JWT that this authorization server signed and that has not expired. */
export interface OwnJwt extends JWTPayload {
  readonly sub: string;
  /** Epoch seconds. */
  readonly exp: number;
}

/** RFC 7515 section 7.1. jose overlooks blanks, and whoever else reads the token may not. */
const compact = /^[\w-]+\.[\w-]+\.[\w-]+$/;

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi']);

/**
 * Verifies what this authorization server signed: signature, issuer, expiry and type.
 *
 * @param dependencies.latestKeys the keys as they are in the store, where another authorization server may have put one a moment ago
 * @param dependencies.now epoch milliseconds
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
      // RFC 9068 section 2.1. An ID token has no type of its own, so it must not have that of anything else.
      ...(kind === 'access token' ? { typ: 'at+jwt' } : undefined),
    });
    if (kind === 'ID token' && (protectedHeader.typ ?? 'JWT').toUpperCase() !== 'JWT')
      throw new TypeError('the JWT is no ID token');
    if (typeof payload.sub !== 'string' || typeof payload.exp !== 'number') throw new TypeError('malformed claims');
    return payload as OwnJwt;
  }

  /**
   * @returns undefined for what is not ours, has expired, or is something else; which of these is nothing to whoever shows it
   * @throws {TemporarilyUnavailable} the store does not tell the latest keys
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

/** The keys as they are published (RFC 7517 section 9.2 and RFC 7518 section 6: what is private stays). */
export function publicKeysOf({ keys }: { readonly keys: readonly object[] }): JSONWebKeySet {
  const strip = (key: object) => Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE_MEMBERS.has(name)));
  return { keys: keys.map(strip) as JSONWebKeySet['keys'] };
}
