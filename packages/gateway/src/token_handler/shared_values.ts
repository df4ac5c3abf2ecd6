import { ValidationUnavailableError } from '@tallystick/resource-server';
import { type SharedValues, StoreUnavailableError } from '@tallystick/token-store';

/** The store's shared values; that it is away is said in words for browsers: nobody is refused for it. */
export function answeringForTheStore({ find, put, putIfAbsent, remove }: SharedValues): SharedValues {
  return {
    find: (name) => find(name).catch(unavailable),
    put: (name, value, expiresIn) => put(name, value, expiresIn).catch(unavailable),
    putIfAbsent: (name, value, expiresIn) => putIfAbsent(name, value, expiresIn).catch(unavailable),
    remove: (name) => remove(name).catch(unavailable),
  };
}

function unavailable(cause: unknown): never {
  if (!(cause instanceof StoreUnavailableError)) throw cause;
  throw new ValidationUnavailableError('the token store could not be reached', { cause });
}
