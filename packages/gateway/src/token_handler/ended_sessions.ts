import { AccessTokenError, ValidationUnavailableError } from '@tallystick/resource-server';
import { type SharedValues, StoreUnavailableError } from '@tallystick/token-store';
import type { Session } from './session.ts';

/**
 * Sessions that ended before their cookie does. A browser forgets its cookie at logout; a copy of it elsewhere is good for
 * nothing after that, at any gateway.
 */
export interface EndedSessions {
  /** @throws {ValidationUnavailableError} the store does not answer */
  add(session: Session): Promise<void>;
  /**
   * @throws {AccessTokenError} `invalid_token` when the session has ended
   * @throws {ValidationUnavailableError} the store does not answer
   */
  expectOpen(session: Session): Promise<void>;
}

/**
 * @param sessionLifetime seconds after the sign-in for which a cookie opens
 * @param now epoch milliseconds
 */
export function createEndedSessions(sessionLifetime: number, shared: SharedValues, now: () => number): EndedSessions {
  const nameOf = ({ sid }: Session) => `end of the session ${sid}`;
  return {
    async add(session) {
      const remaining = session.since + sessionLifetime - Math.floor(now() / 1000);
      await shared.put(nameOf(session), 'ended', Math.max(1, remaining));
    },
    async expectOpen(session) {
      if ((await shared.find(nameOf(session))) === undefined) return;
      throw new AccessTokenError('invalid_token', 'the session has ended');
    },
  };
}

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
