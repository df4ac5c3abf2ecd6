import type { ResourceServerError } from './errors.ts';

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
