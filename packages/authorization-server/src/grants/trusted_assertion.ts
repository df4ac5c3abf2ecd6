import { createJwksClient, type JwksClientDependencies, JwksError, signingInputOf } from '@tallystick/common';
import { tokenKey } from '@tallystick/token-store';
import {
  createLocalJWKSet,
  decodeJwt,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
  errors as joseErrors,
  jwtVerify,
} from 'jose';
import { errors } from 'oidc-provider';
import type { TrustedIssuerConfig } from '../config/config.ts';
import { TemporarilyUnavailable } from '../storage/store_errors.ts';
import { refusedGrant } from './token_request.ts';

/** Seconds that an assertion may be valid for, at most (RFC 7523 section 3, number 4): replays are remembered as long. */
export const MAX_VALIDITY = 3600;
/** Seconds by which the clock of an issuer may differ. */
const CLOCK_TOLERANCE = 10;
/** Milliseconds that an issuer may take to give its keys. */
const KEYS_TIMEOUT = 3000;
/** Seconds between two fetches for unknown keys: an issuer may rotate its keys unannounced. Only clients that may use the grant get here. */
const KEYS_COOLDOWN = 1;
/** What an assertion may say it is; anything else was made for another purpose (RFC 8725 section 3.11). */
const TYPES = new Set(['jwt', 'authorization-grant+jwt', 'application/authorization-grant+jwt']);

/** What a trusted issuer asserts: that the user agrees. */
export interface Assertion {
  readonly user: string;
  /** The same for every copy of the assertion, and for no other. */
  readonly id: string;
  /** Epoch seconds after which no copy is good. */
  readonly exp: number;
}

export interface AssertionDependencies {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Fetches the keys of issuers. */
  readonly fetch: typeof globalThis.fetch;
}

/**
 * Makes what reads assertions (RFC 7523 section 3) of the configured issuers.
 *
 * @param audience what an assertion must be for: any of these
 */
export function createAssertionReader(
  issuers: readonly TrustedIssuerConfig[],
  audience: readonly string[],
  { now, fetch }: AssertionDependencies,
) {
  const trusted = new Map(issuers.map((issuer) => [issuer.issuer, prepared(issuer, { now, fetch })]));

  /**
   * @throws {errors.InvalidGrant} the assertion is not good
   * @throws {TemporarilyUnavailable} the issuer's keys cannot be had
   */
  return async function readAssertion(jwt: string): Promise<Assertion> {
    const issuer = trusted.get(issuerOf(jwt));
    if (issuer === undefined) throw refusedGrant('the issuer of the assertion is not trusted');
    const { sub, jti, iat, exp } = await verified(jwt, issuer);
    const time = Math.floor(now() / 1000);
    if (exp - time > MAX_VALIDITY + CLOCK_TOLERANCE)
      throw refusedGrant(`the assertion is valid for more than ${MAX_VALIDITY} seconds`);
    if (iat !== undefined && iat > time + CLOCK_TOLERANCE) throw refusedGrant('the assertion is from the future');
    // Without a jti the assertion itself is the name. Not its signature: that can be changed and still be good.
    const name = jti === undefined ? ['', signingInputOf(jwt)] : ['jti', jti];
    return {
      user: issuer.userOf(sub) ?? refuseSubject(),
      id: tokenKey(JSON.stringify([issuer.issuer, ...name])),
      exp: exp + CLOCK_TOLERANCE,
    };
  };

  async function verified(jwt: string, issuer: ReturnType<typeof prepared>) {
    try {
      const { payload, protectedHeader } = await jwtVerify(jwt, issuer.keys, {
        issuer: issuer.issuer,
        audience: [...audience],
        algorithms: [...issuer.algorithms],
        clockTolerance: CLOCK_TOLERANCE,
        requiredClaims: ['sub', 'exp'],
        currentDate: new Date(now()),
      });
      if (!TYPES.has((protectedHeader.typ ?? 'jwt').toLowerCase())) throw refusedGrant('the JWT is no assertion');
      const { sub, exp, jti, iat } = payload;
      if (typeof sub !== 'string' || typeof exp !== 'number' || !(jti === undefined || typeof jti === 'string'))
        throw refusedGrant('the assertion has a claim of the wrong type');
      return { sub, exp, jti, iat };
    } catch (error) {
      throw error instanceof errors.OIDCProviderError ? error : refusedGrant(describe(error));
    }
  }
}

function prepared(config: TrustedIssuerConfig, dependencies: AssertionDependencies) {
  const subjects = config.subjects && new Map(Object.entries(config.subjects));
  const userOf = (sub: string) => (subjects === undefined ? sub : subjects.get(sub));
  return { issuer: config.issuer, algorithms: config.algorithms, keys: keysOf(config, dependencies), userOf };
}

function keysOf({ jwks, jwksUri }: TrustedIssuerConfig, dependencies: JwksClientDependencies): JWTVerifyGetKey {
  if (jwksUri === undefined) return createLocalJWKSet((jwks ?? { keys: [] }) as JSONWebKeySet);
  const client = createJwksClient({ uri: jwksUri, timeout: KEYS_TIMEOUT, cooldown: KEYS_COOLDOWN }, dependencies);
  return async (header, token) => {
    try {
      return await client.getKey(header, token);
    } catch (error) {
      // That a key is not among them is about the assertion; that they cannot be had is not.
      if (!(error instanceof JwksError) || error.code !== 'unavailable') throw error;
      throw new TemporarilyUnavailable(error, 'the keys of the issuer cannot be had; try again shortly');
    }
  };
}

function issuerOf(jwt: string): string {
  try {
    return String(decodeJwt(jwt).iss);
  } catch {
    throw refusedGrant('the assertion is no JWT');
  }
}

/** Names the claim, never quotes the assertion. */
function describe(error: unknown): string {
  if (error instanceof joseErrors.JWTExpired) return 'the assertion has expired';
  if (error instanceof joseErrors.JWTClaimValidationFailed)
    return `the claim "${error.claim}" of the assertion is wrong`;
  return 'the assertion is not signed by its issuer, with a key and an algorithm that are trusted';
}

function refuseSubject(): never {
  throw refusedGrant('the subject of the assertion is no user here');
}
