import * as oidc from 'openid-client';
import { cookiesNamed, readCookie, setCookie } from '../http/cookies.ts';
import { RequestError } from '../http/errors.ts';
import { maximumCookieLength } from '../http/long_cookies.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';

/** A login whose user is at the authorization server. */
export type PendingLogin = {
  readonly state: string;
  readonly codeVerifier: string;
  readonly nonce: string;
  readonly redirectUri: string;
  /** Where the browser goes after the login. */
  readonly returnTo: string;
};

/** Keeps the pending logins of a browser: each in its own sealed cookie, which is sent with every request to the gateway's host. */
export interface PendingLogins {
  /**
   * @param header the `Cookie` header
   * @returns the `Set-Cookie` headers that keep a new login, and delete the oldest ones if there are too many
   * @throws {RequestError} `invalid_request` when the cookie would be too long
   */
  keep(login: PendingLogin, header: string | undefined): Promise<string[]>;
  /** @param header the `Cookie` header @returns undefined when this browser has no such login */
  find(state: string, header: string | undefined): Promise<PendingLogin | undefined>;
  /** @returns the `Set-Cookie` header that deletes a login */
  remove(state: string): string;
}

/** Seconds that a user has to sign in. */
const LIFETIME = 600;
/** Maximum number of pending logins in one browser. */
const MAX_LOGINS = 10;
/** Maximum length of their cookies together, in characters. */
const MAX_TOTAL_LENGTH = 8 * 1024;

/** Length of the time in a `state`. Seconds in base 36 have this length until the year 4453. */
const TIME_LENGTH = 7;
/** Length of the part of a `state` that is in the name of its cookie. */
const ID_LENGTH = TIME_LENGTH + 8;

/** @param prefix of the names of the cookies */
export function createPendingLogins(prefix: string, sealed: SealedCookies): PendingLogins {
  const nameOf = (state: string) => `${prefix}-${state.slice(0, ID_LENGTH)}`;
  // Lax, even if the other cookies are strict: the browser comes back from the authorization server, which is another site.
  const cookie = (name: string, value: string, maxAge: number) => setCookie(name, value, { maxAge, sameSite: 'lax' });

  /** The names of the oldest cookies, which leave no room for a new one. */
  function namesToDrop(header: string | undefined, newLength: number): string[] {
    const newestFirst = cookiesNamed(header, `${prefix}-`).sort((a, b) => (a.name < b.name ? 1 : -1));
    let room = MAX_TOTAL_LENGTH - newLength;
    return newestFirst
      .filter(({ length }, index) => {
        room -= length;
        return index >= MAX_LOGINS - 1 || room < 0;
      })
      .map(({ name }) => name);
  }

  return {
    async keep(login, header) {
      const name = nameOf(login.state);
      const kept = cookie(name, await sealed.seal(name, login, LIFETIME), LIFETIME);
      if (kept.length > maximumCookieLength) throw new RequestError('invalid_request', 'return_to is too long');
      return [...namesToDrop(header, kept.length).map((dropped) => cookie(dropped, '', 0)), kept];
    },
    async find(state, header) {
      const name = nameOf(state);
      const value = readCookie(header, name);
      return value === undefined ? undefined : sealed.open<PendingLogin>(name, value);
    },
    remove: (state) => cookie(nameOf(state), '', 0),
  };
}

/** A new `state`. It begins with the time, so that the names of cookies show which login is the oldest. @param time epoch milliseconds */
export function createState(time: number): string {
  const seconds = Math.floor(time / 1000).toString(36);
  return seconds.padStart(TIME_LENGTH, '0') + oidc.randomState();
}
