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

/** Maximum validity of an assertion in seconds (RFC 7523 section 3, number 4). The store remembers each one that long. */
export const MAX_VALIDITY = 3600;
/** Tolerated difference of an issuer's clock, in seconds. */
const CLOCK_TOLERANCE = 10;
/** Timeout for fetching an issuer's keys, in milliseconds. */
const KEYS_TIMEOUT = 3000;
/** Seconds between two fetches for unknown keys. Short, because issuers rotate keys unannounced and only clients with this grant get here. */
const KEYS_COOLDOWN = 1;
/** Accepted `typ` values. A JWT with another type was made for another purpose (RFC 8725 section 3.11). */
const TYPES = new Set(['jwt', 'authorization-grant+jwt', 'application/authorization-grant+jwt']);

/** A valid assertion of a trusted issuer about a user. */
export interface Assertion {
  readonly user: string;
  /** Identifies the assertion: equal for every copy of it, different for every other assertion. */
  readonly id: string;
  /** When every copy has expired, clock tolerance included, in epoch seconds. */
  readonly exp: number;
}

export interface AssertionDependencies {
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** Fetches the keys of issuers. */
  readonly fetch: typeof globalThis.fetch;
}

/**
 * Creates the reader for assertions (RFC 7523 section 3) of the configured issuers.
 *
 * @param audience an assertion must have one of these audiences
 */
export function createAssertionReader(
  issuers: readonly TrustedIssuerConfig[],
  audience: readonly string[],
  { now, fetch }: AssertionDependencies,
) {
  const trusted = new Map(issuers.map((issuer) => [issuer.issuer, prepared(issuer, { now, fetch })]));

  /**
   * @throws {errors.InvalidGrant} the assertion is invalid
   * @throws {TemporarilyUnavailable} the issuer's keys are unavailable
   */
  return async function readAssertion(jwt: string): Promise<Assertion> {
    const issuer = trusted.get(issuerOf(jwt));
    if (issuer === undefined) throw refusedGrant('the issuer of the assertion is not trusted');
    const { sub, jti, iat, exp } = await verified(jwt, issuer);
    const time = Math.floor(now() / 1000);
    if (exp - time > MAX_VALIDITY + CLOCK_TOLERANCE)
      throw refusedGrant(`the assertion is valid for more than ${MAX_VALIDITY} seconds`);
    if (iat !== undefined && iat > time + CLOCK_TOLERANCE)
      throw refusedGrant('the iat of the assertion is in the future');
    // Without a jti, header and payload identify the assertion. The signature does not: it can change and still be valid.
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
      if (!TYPES.has((protectedHeader.typ ?? 'jwt').toLowerCase()))
        throw refusedGrant('the typ of the JWT is not that of an assertion');
      const { sub, exp, jti, iat } = payload;
      if (typeof sub !== 'string' || typeof exp !== 'number' || !(jti === undefined || typeof jti === 'string'))
        throw refusedGrant('the sub, exp or jti of the assertion has the wrong JSON type');
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
      // A missing key makes the assertion invalid. Unavailable keys do not.
      if (!(error instanceof JwksError) || error.code !== 'unavailable') throw error;
      throw new TemporarilyUnavailable(error, 'the keys of the trusted issuer are not available; try again shortly');
    }
  };
}

/** The issuer that a JWT names, which nothing has verified. @throws {errors.InvalidGrant} the assertion is not a JWT */
export function issuerOf(jwt: string): string {
  try {
    return String(decodeJwt(jwt).iss);
  } catch {
    throw refusedGrant('the assertion is not a JWT');
  }
}

/** Names the claim without quoting the assertion. */
function describe(error: unknown): string {
  if (error instanceof joseErrors.JWTExpired) return 'the assertion has expired';
  if (error instanceof joseErrors.JWTClaimValidationFailed)
    return `the claim "${error.claim}" of the assertion is missing or has the wrong value`;
  return 'the assertion is not signed with a trusted key and algorithm of its issuer';
}

function refuseSubject(): never {
  throw refusedGrant('the subject of the assertion is not a user of this authorization server');
}
