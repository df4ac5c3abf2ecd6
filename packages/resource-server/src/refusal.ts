import { type ChallengeOptions, challenge } from './challenge.ts';
import { errorBody } from './error_body.ts';
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
