import { type ChallengeOptions, challenge } from './challenge.ts';
import { AccessTokenError, ResourceServerError, ValidationUnavailableError } from './errors.ts';

/** An HTTP response that refuses a request. */
export interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

/**
 * Turns an error of this package into an HTTP response: with a challenge for access tokens (RFC 6750 section 3, RFC 9449), with
 * `Retry-After` for a temporary failure. The response is never cacheable.
 *
 * @throws `error` itself when it is not a {@link ResourceServerError}
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

/** The JSON body of a refusal, with the names of RFC 6749 section 5.2. */
export interface ErrorBody {
  readonly error: string;
  readonly error_description: string;
}

/**
 * The JSON body of a refusal.
 *
 * A request without credentials gets `unauthorized`, which is not an error code of RFC 6750: according to section 3.1 such a
 * request should get none.
 */
export function errorBody(error: ResourceServerError): ErrorBody {
  if (error.code === 'missing_token') {
    return { error: 'unauthorized', error_description: 'an access token is required' };
  }
  return { error: error.code, error_description: error.description };
}
