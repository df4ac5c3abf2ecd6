import {
  AccessTokenError,
  createJwtValidator,
  type JwtValidator,
  type RemoteJwks,
  ValidationUnavailableError,
  type VerifiedJwt,
} from '@tallystick/resource-server';
import { decodeJwt } from 'jose';
import type { Credentials } from './credentials.ts';
import { shortened } from './decision.ts';
import { type Issuer, type Issuers, issuerOf } from './issuers.ts';
import type { Log } from './log.ts';
import type { OwnJwts } from './resolve/own_jwts.ts';
import type { Candidate } from './resolve/resolver.ts';
import type { ProtectedRoute } from './route.ts';

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
 * @throws {ValidationUnavailableError} when the keys could not be had, or the authorization server vouched for what is not its own
 */
export type Validate = (candidate: Candidate, route: ProtectedRoute, credentials: Credentials) => Promise<ValidatedJwt>;

export function createValidate(issuers: Issuers, { ownJwts, log, now }: ValidateDependencies): Validate {
  const validatorFor = createValidators(now);
  const ownValidatorFor = createValidators(now);

  /** Whether the authorization server did issue this JWT, be it for another API or for another time. */
  async function isGenuine(jwt: string, { issuer, jwks }: Issuer): Promise<boolean> {
    const audience = claimedAudience(jwt);
    if (audience === undefined) return false;
    const anyTime = { issuer, audience, clockTolerance: Number.MAX_VALUE };
    try {
      await createJwtValidator(anyTime, { jwks, now }).verifyJwt(jwt);
      return true;
    } catch (error) {
      if (error instanceof AccessTokenError) return false;
      throw error;
    }
  }

  return async (candidate, route, { key }) => {
    const { jwt, source, maker } = candidate;
    if (maker === 'gateway' && ownJwts !== undefined) {
      const { issuer, keys } = ownJwts;
      return { ...(await ownValidatorFor(route, { issuer, jwks: keys }).verifyJwt(jwt)), keys };
    }
    const issuer = issuerOf(issuers, route);
    try {
      return { ...(await validatorFor(route, issuer).verifyJwt(jwt)), keys: issuer.jwks };
    } catch (error) {
      if (!(error instanceof AccessTokenError) || source === 'client' || (await isGenuine(jwt, issuer))) throw error;
      const fields = { tokenKey: shortened(key), route: route.prefix, reason: error.description };
      log.warn(fields, `the ${source} has a JWT that the authorization server did not issue`);
      if (source === 'store') throw new AccessTokenError('invalid_token', 'the access token is not valid');
      throw new ValidationUnavailableError('the authorization server answered with a JWT that is not its own');
    }
  };
}

/** A validator for each route, made when it is first needed. */
function createValidators(now: () => number) {
  const validators = new Map<ProtectedRoute, JwtValidator>();
  return (route: ProtectedRoute, { issuer, jwks }: { issuer: string; jwks: Pick<RemoteJwks, 'getKey'> }) => {
    const validator = validators.get(route) ?? createJwtValidator({ issuer, audience: route.audience }, { jwks, now });
    validators.set(route, validator);
    return validator;
  };
}

function claimedAudience(jwt: string): string | undefined {
  try {
    const audience: unknown = [decodeJwt(jwt).aud].flat()[0];
    return typeof audience === 'string' && audience !== '' ? audience : undefined;
  } catch {
    return undefined;
  }
}
