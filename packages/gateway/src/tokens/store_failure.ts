import { ValidationUnavailableError } from '@tallystick/resource-server';
import { StoreUnavailableError } from '@tallystick/token-store';

/**
 * Turns an unavailable store into an error for clients: 503, so that no token is refused because of it. For `catch`.
 *
 * @throws {ValidationUnavailableError} when the store is unavailable; any other cause is thrown again
 */
export function throwStoreFailure(cause: unknown): never {
  if (!(cause instanceof StoreUnavailableError)) throw cause;
  throw new ValidationUnavailableError('the token store could not be reached', { cause });
}
