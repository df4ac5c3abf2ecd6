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
import type { Log } from './log.ts';
import type { Candidate } from './resolve/resolver.ts';
import type { Route } from './route.ts';

export interface ValidateDependencies {
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Decides whether a JWT is one for this API, whoever it came from (RFC 9068 section 4): this is what a poisoned store meets.
 *
 * @throws {AccessTokenError} `invalid_token`
 * @throws {ValidationUnavailableError} when the keys could not be had, or the authorization server vouched for what is not its own
 */
export type Validate = (candidate: Candidate, route: Route, credentials: Credentials) => Promise<VerifiedJwt>;

export function createValidate(issuer: string, { jwks, log, now }: ValidateDependencies): Validate {
  const validators = new Map<string, JwtValidator>();

  function validatorFor(audience: string): JwtValidator {
    const validator = validators.get(audience) ?? createJwtValidator({ issuer, audience }, { jwks, now });
    validators.set(audience, validator);
    return validator;
  }

  /** Whether the authorization server did issue this JWT, be it for another API or for another time. */
  async function isGenuine(jwt: string): Promise<boolean> {
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

  return async (candidate, { audience, prefix }, { key }) => {
    const { jwt, source } = candidate;
    try {
      return await validatorFor(audience).verifyJwt(jwt);
    } catch (error) {
      if (!(error instanceof AccessTokenError) || source === 'client' || (await isGenuine(jwt))) throw error;
      const fields = { tokenKey: shortened(key), route: prefix, reason: error.description };
      log.warn(fields, `the ${source} has a JWT that the authorization server did not issue`);
      if (source === 'store') throw new AccessTokenError('invalid_token', 'the access token is not valid');
      throw new ValidationUnavailableError('the authorization server answered with a JWT that is not its own');
    }
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
