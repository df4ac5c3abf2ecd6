import { type CookieOptions, cookiesNamed, readCookie, setCookie } from './cookies.ts';

/** In characters, with name and attributes. Browsers ignore longer cookies (RFC 6265 section 6.1). */
export const maximumCookieLength = 4096;

/**
 * Every request carries all parts, and its headers must fit into the limits of the servers on the way. Two values with this number of
 * parts are half of the gateway's own limit.
 */
const maximumParts = 4;

/** Replaces a value that is in parts. No token looks like this (RFC 6750 section 2.1). */
const partCount = /^parts:([2-4])$/;

/**
 * Reads a cookie whose value may be split into parts.
 *
 * @param header the `Cookie` header
 * @returns undefined if the cookie or one of its parts is missing
 * @throws {RequestError} `invalid_request` when there are several cookies with one name
 */
export function readLongCookie(header: string | undefined, name: string): string | undefined {
  const value = readCookie(header, name);
  const count = partCount.exec(value ?? '')?.[1];
  if (count === undefined) return value;
  const parts = namesOfParts(name, Number(count)).map((part) => readCookie(header, part));
  return parts.includes(undefined) ? undefined : parts.join('');
}

/**
 * The `Set-Cookie` headers for a value of any length. If the value is too long for one cookie, the cookie holds the number of parts, and
 * further cookies hold the parts.
 *
 * @param held the `Cookie` header of the request; parts of an earlier, longer value are deleted
 * @returns undefined when the value is too long for several cookies too
 */
export function setLongCookie(
  name: string,
  value: string,
  options: CookieOptions,
  held: string | undefined,
): string[] | undefined {
  const whole = setCookie(name, value, options);
  if (whole.length <= maximumCookieLength) return [whole, ...deleteParts(name, options, held)];

  const room = maximumCookieLength - setCookie(`${name}-1`, '', options).length;
  const count = Math.ceil(value.length / room);
  if (count > maximumParts) return undefined;
  const parts = namesOfParts(name, count).map((part, index) =>
    setCookie(part, value.slice(index * room, (index + 1) * room), options),
  );
  return [setCookie(name, `parts:${count}`, options), ...parts, ...deleteParts(name, options, held, count)];
}

/** The `Set-Cookie` headers that delete a cookie and those of its parts that the request has. */
export function deleteLongCookie(
  name: string,
  options: Pick<CookieOptions, 'sameSite'>,
  held: string | undefined,
): string[] {
  return [setCookie(name, '', { ...options, maxAge: 0 }), ...deleteParts(name, options, held)];
}

/** @param kept the number of parts to keep */
function deleteParts(
  name: string,
  options: Pick<CookieOptions, 'sameSite'>,
  held: string | undefined,
  kept = 0,
): string[] {
  const sent = new Set(cookiesNamed(held, `${name}-`).map((cookie) => cookie.name));
  const obsolete = namesOfParts(name, maximumParts)
    .slice(kept)
    .filter((part) => sent.has(part));
  return obsolete.map((part) => setCookie(part, '', { ...options, maxAge: 0 }));
}

function namesOfParts(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}
