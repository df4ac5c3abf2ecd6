import type { Log } from '@tallystick/common';
import {
  AccessTokenError,
  createJwtValidator,
  foreignClientIdClaims,
  InvalidValidatorResponseError,
  type JwtValidator,
  type JwtValidatorOptions,
  type RemoteJwks,
  type VerifiedJwt,
} from '@tallystick/resource-server';
import { decodeJwt } from 'jose';
import { type Issuer, type Issuers, issuerOf } from '../authorization_server/issuers.ts';
import { shortened } from '../decision.ts';
import type { ProtectedRoute } from '../routes/route.ts';

import type { OwnJwts } from './own_jwts.ts';
import type { Candidate, Lookup } from './resolver.ts';

export interface ValidateDependencies {
  /** The JWTs that the gateway makes, if it makes any. */
  readonly ownJwts: OwnJwts | undefined;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A JWT that is valid for the API. */
export interface ValidatedJwt extends VerifiedJwt {
  /** The keys of its issuer. A cached JWT is dropped when its signing key is no longer one of them. */
  readonly keys: Pick<RemoteJwks, 'has'>;
}

/**
 * Validates a JWT for the API of a route, wherever it came from (RFC 9068 section 4). A poisoned store does not get past it.
 *
 * @throws {AccessTokenError} `invalid_token`
 * @throws {ValidationUnavailableError} when the keys cannot be fetched
 * @throws {InvalidValidatorResponseError} when the authorization server returned a JWT that is not one of its access tokens
 */
export type Validate = (candidate: Candidate, lookup: Lookup) => Promise<ValidatedJwt>;

export function createValidate(issuers: Issuers, { ownJwts, log, now }: ValidateDependencies): Validate {
  const validatorFor = createValidators(now);
  const ownValidatorFor = createValidators(now);

  /** Whether the authorization server issued the JWT at all, possibly for another API or another time. */
  async function isGenuine(jwt: string, issuer: Issuer): Promise<boolean> {
    const audience = claimedAudience(jwt) ?? 'none';
    const anyTime = {
      ...optionsFor(issuer),
      audience,
      insecureMissingAudience: true,
      clockTolerance: Number.MAX_VALUE,
    };
    try {
      await createJwtValidator(anyTime, { jwks: issuer.jwks, now }).verifyJwt(jwt);
      return true;
    } catch (error) {
      if (error instanceof AccessTokenError) return false;
      throw error;
    }
  }

  return async (candidate, { route, credentials }) => {
    const { jwt, source, maker } = candidate;
    if (maker === 'gateway' && ownJwts !== undefined) {
      const { issuer, keys } = ownJwts;
      // An introspection answer need not name the client (RFC 7662 section 2.2).
      const validator = ownValidatorFor(route, { issuer, requiredClaims: ['iat', 'sub', 'jti'] }, keys);
      return { ...(await validator.verifyJwt(jwt)), keys };
    }
    const issuer = issuerOf(issuers, route);
    try {
      return { ...(await validatorFor(route, optionsFor(issuer), issuer.jwks).verifyJwt(jwt)), keys: issuer.jwks };
    } catch (error) {
      if (!(error instanceof AccessTokenError) || source === 'client' || (await isGenuine(jwt, issuer))) throw error;
      const fields = { tokenKey: shortened(credentials.key), route: route.prefix, reason: error.description };
      log.warn(fields, `the ${source} returned a JWT that is not an access token of the authorization server`);
      if (source === 'store') throw new AccessTokenError('invalid_token', 'the access token is not valid');
      throw new InvalidValidatorResponseError(
        'the authorization server returned a JWT that is not one of its access tokens',
      );
    }
  };
}

/** One validator per route, created when it is first needed. */
function createValidators(now: () => number) {
  const validators = new Map<ProtectedRoute, JwtValidator>();
  return (
    route: ProtectedRoute,
    options: Omit<JwtValidatorOptions, 'audience'>,
    jwks: Pick<RemoteJwks, 'getKey'>,
  ): JwtValidator => {
    const validator =
      validators.get(route) ?? createJwtValidator({ ...options, audience: route.audience }, { jwks, now });
    validators.set(route, validator);
    return validator;
  };
}

/**
 * The validation rules for JWTs of an issuer. RFC 9068 section 4 does not ask for a check of `jti` or of the client. Many issuers leave
 * `jti` out, and name the client in different claims.
 */
function optionsFor({ issuer, jwts, scopeClaims }: Issuer): Omit<JwtValidatorOptions, 'audience'> {
  return { ...jwts, issuer, scopeClaims, requiredClaims: ['iat', 'sub'], clientIdClaims: foreignClientIdClaims };
}

function claimedAudience(jwt: string): string | undefined {
  try {
    const audience: unknown = [decodeJwt(jwt).aud].flat()[0];
    return typeof audience === 'string' && audience !== '' ? audience : undefined;
  } catch {
    return undefined;
  }
}
