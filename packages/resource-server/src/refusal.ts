import { type ChallengeOptions, challenge } from './challenge.ts';
import { AccessTokenError, ResourceServerError, ValidationUnavailableError } from './errors.ts';

/** An HTTP answer that refuses a request. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

/**
 * Turns an error of this package into the HTTP answer: RFC 6750 section 3 and RFC 9449 for access tokens, `Retry-After` for trouble that
 * passes. Never cacheable.
 *
 * @throws `error` itself when it is none of this package's.
 */
export function refusal(error: unknown, options: ChallengeOptions = {}): Refusal {
  if (!(error instanceof ResourceServerError)) throw error;
  return {
    status: error.status,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'no-store',
      ...(error instanceof AccessTokenError && { 'WWW-Authenticate': challenge(error, options) }),
      ...(error instanceof AccessTokenError && error.dpopNonce !== undefined && { 'DPoP-Nonce': error.dpopNonce }),
      ...(error instanceof ValidationUnavailableError && { 'Retry-After': String(error.retryAfter) }),
    },
    body: JSON.stringify(errorBody(error)),
  };
}

/** The JSON body of a refusal, named as in RFC 6749 section 5.2. */
export interface ErrorBody {
  readonly error: string;
  readonly error_description: string;
}

/**
 * The JSON body that answers a refused request.
 *
 * A request without credentials gets `unauthorized`, which is no RFC 6750 error code: section 3.1 wants none told to it.
 */
export function errorBody(error: ResourceServerError): ErrorBody {
  if (error.code === 'missing_token') {
    return { error: 'unauthorized', error_description: 'an access token is required' };
  }
  return { error: error.code, error_description: error.description };
}
