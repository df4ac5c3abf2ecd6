import { ResourceServerError } from '@tallystick/resource-server';
import { UpstreamFailedError, UpstreamTimeoutError } from '../errors.ts';

/** What an error of the upstream connection means to the client. The cause is for the log. */
export function upstreamFailure(error: Error): ResourceServerError {
  if (error instanceof ResourceServerError) return error;
  return (error as NodeJS.ErrnoException).code === 'ETIMEDOUT'
    ? new UpstreamTimeoutError('the API could not be reached in time', { cause: error })
    : new UpstreamFailedError('the API could not be reached', { cause: error });
}
