import { cookiesNamed } from '../http/cookies.ts';

/** Logins under way in one browser, at most: each has a cookie, which goes along with every request to the gateway's host. */
const most = 10;
/** Characters that their cookies take together, at most. */
const mostCharacters = 8 * 1024;

/** Seconds in base 36 are as long until the year 4453. */
const timeLength = 7;
const nameLength = timeLength + 8;

/** The `state` of a login, which begins with its time, so that the names of cookies tell which is the oldest. @param time epoch milliseconds */
export function loginState(random: string, time: number): string {
  return (
    Math.floor(time / 1000)
      .toString(36)
      .padStart(timeLength, '0') + random
  );
}

/** The name of the cookie of a login. @param prefix of them all */
export function loginName(prefix: string, state: string): string {
  return `${prefix}-${state.slice(0, nameLength)}`;
}

/**
 * Which logins under way have to go when another one begins: the oldest, which nobody is likely to complete.
 *
 * @param header the `Cookie` header
 * @param prefix of the names of their cookies
 * @param begun characters of the cookie of the new one
 * @returns the names of their cookies
 */
export function loginsToDrop(header: string | undefined, prefix: string, begun: number): string[] {
  const newestFirst = cookiesNamed(header, `${prefix}-`).sort((a, b) => (a.name < b.name ? 1 : -1));
  let room = mostCharacters - begun;
  return newestFirst
    .filter(({ length }, index) => {
      room -= length;
      return index >= most - 1 || room < 0;
    })
    .map(({ name }) => name);
}
