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
import type { Lookup } from './lookup.ts';
import type { OwnJwts } from './own_jwts.ts';
import type { Candidate } from './resolver.ts';

export interface ValidateDependencies {
  /** The JWTs that the gateway makes, if it makes any. */
  readonly ownJwts: OwnJwts | undefined;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A JWT that is one for this API. */
export interface ValidatedJwt extends VerifiedJwt {
  /** The keys of its issuer, to see whether the one that signed it is still among them. */
  readonly keys: Pick<RemoteJwks, 'has'>;
}

/**
 * Decides whether a JWT is one for this API, whoever it came from (RFC 9068 section 4): this is what a poisoned store meets.
 *
 * @throws {AccessTokenError} `invalid_token`
 * @throws {ValidationUnavailableError} when the keys could not be had
 * @throws {InvalidValidatorResponseError} when the authorization server answered with what is no access token of its own
 */
export type Validate = (candidate: Candidate, lookup: Lookup) => Promise<ValidatedJwt>;

export function createValidate(issuers: Issuers, { ownJwts, log, now }: ValidateDependencies): Validate {
  const validatorFor = createValidators(now);
  const ownValidatorFor = createValidators(now);

  /** Whether the authorization server did issue this JWT, be it for another API or for another time. */
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
      log.warn(fields, `the ${source} has a JWT that is no access token of the authorization server`);
      if (source === 'store') throw new AccessTokenError('invalid_token', 'the access token is not valid');
      throw new InvalidValidatorResponseError(
        'the authorization server answered with a JWT that is no access token of its own',
      );
    }
  };
}

/** A validator for each route, made when it is first needed. */
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
 * What JWTs of an issuer must be. Nothing depends on `jti`, which many leave out, and on the client, for which there are several names:
 * RFC 9068 section 4 does not have them checked.
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
