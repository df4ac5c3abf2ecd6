import { AccessTokenError } from '@tallystick/resource-server';
import type { SharedValues } from '@tallystick/token-store';
import { throwStoreFailure } from '../tokens/store_failure.ts';
import type { Session } from './session.ts';

/**
 * Sessions that ended before their cookie expires. At logout the browser deletes its cookie. A copy of the cookie cannot be used after
 * that, at any gateway.
 */
export interface EndedSessions {
  /** @throws {ValidationUnavailableError} when the store is unavailable */
  add(session: Session): Promise<void>;
  /**
   * @throws {AccessTokenError} `invalid_token` when the session has ended
   * @throws {ValidationUnavailableError} when the store is unavailable
   */
  expectOpen(session: Session): Promise<void>;
}

/**
 * @param sessionLifetime seconds after the sign-in for which a cookie can be used
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

/** Shared values whose failures are errors for browsers. */
export function withStoreFailures({ find, put, putIfAbsent, remove }: SharedValues): SharedValues {
  return {
    find: (name) => find(name).catch(throwStoreFailure),
    put: (name, value, expiresIn) => put(name, value, expiresIn).catch(throwStoreFailure),
    putIfAbsent: (name, value, expiresIn) => putIfAbsent(name, value, expiresIn).catch(throwStoreFailure),
    remove: (name) => remove(name).catch(throwStoreFailure),
  };
}
