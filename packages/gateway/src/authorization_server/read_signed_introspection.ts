import {
  defaultJwtAlgorithms,
  InvalidValidatorResponseError,
  type RemoteJwks,
  ValidationUnavailableError,
} from '@tallystick/resource-server';
import { jwtVerify } from 'jose';
import { readIntrospection, type TokenIntrospection } from './read_introspection.ts';

export interface SignedIntrospectionOptions {
  /** Issuer identifier of the authorization server. */
  readonly issuer: string;
  /** The gateway's own client there. */
  readonly clientId: string;
  /** JWS algorithms. Default: `defaultJwtAlgorithms`. */
  readonly algorithms?: readonly string[] | undefined;
  /** Members of an answer that hold scopes. */
  readonly scopeClaims: readonly string[];
}

export interface SignedIntrospectionDependencies {
  readonly jwks: Pick<RemoteJwks, 'getKey'>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Reads a signed introspection answer (RFC 9701).
 *
 * @returns undefined when the token is not active
 * @throws {InvalidValidatorResponseError} for anything but a recent answer of the authorization server to this gateway
 * @throws {ValidationUnavailableError} when the keys cannot be fetched
 */
export type ReadSignedIntrospection = (jwt: string) => Promise<TokenIntrospection | undefined>;

/** Tolerated clock difference, in seconds. */
const CLOCK_TOLERANCE = 10;
/** Maximum age of an answer, in seconds. An older one may be a replay. */
const MAX_AGE = 60;

export function createReadSignedIntrospection(
  { issuer, clientId, algorithms = defaultJwtAlgorithms, scopeClaims }: SignedIntrospectionOptions,
  { jwks, now }: SignedIntrospectionDependencies,
): ReadSignedIntrospection {
  async function verify(jwt: string): Promise<unknown> {
    const expectations = {
      issuer,
      audience: clientId,
      typ: 'token-introspection+jwt',
      algorithms: [...algorithms],
      clockTolerance: CLOCK_TOLERANCE,
      maxTokenAge: MAX_AGE,
      currentDate: new Date(now()),
    };
    try {
      return (await jwtVerify(jwt, jwks.getKey, expectations)).payload.token_introspection;
    } catch (error) {
      if (error instanceof ValidationUnavailableError) throw error;
      // The cause is left out: it would carry the payload.
      throw new InvalidValidatorResponseError("the authorization server's answer is not signed as RFC 9701 says");
    }
  }

  return async (jwt) => readIntrospection(await verify(jwt.trim()), scopeClaims);
}
