import { type CookieOptions, cookiesNamed, readCookie, setCookie } from './cookies.ts';

/** Browsers keep no cookie that is longer, name and attributes included (RFC 6265 section 6.1). */
export const longestCookie = 4096;

/**
 * Parts of a long value, at most. Every request carries them all, and its headers must fit into what servers on their way take: with two
 * long values they are half of the gateway's own limit.
 */
const mostParts = 4;

/** Stands in place of a value that is in parts. No token begins like it (RFC 6750 section 2.1). */
const inParts = /^parts:([2-4])$/;

/**
 * The value of a cookie, whether it is in parts or not.
 *
 * @param header the `Cookie` header
 * @returns undefined without the cookie, or without one of its parts
 * @throws {RequestError} `invalid_request` when there are several of one name
 */
export function readLongCookie(header: string | undefined, name: string): string | undefined {
  const value = readCookie(header, name);
  const count = inParts.exec(value ?? '')?.[1];
  if (count === undefined) return value;
  const parts = namesOfParts(name, Number(count)).map((part) => readCookie(header, part));
  return parts.includes(undefined) ? undefined : parts.join('');
}

/**
 * `Set-Cookie` headers for a value of any length: of one that is too long for a cookie, the cookie tells in how many parts it is.
 *
 * @param held the `Cookie` header of the request: parts of a longer value before are deleted
 * @returns undefined when it is too long for several cookies too
 */
export function setLongCookie(
  name: string,
  value: string,
  options: CookieOptions,
  held: string | undefined,
): string[] | undefined {
  const whole = setCookie(name, value, options);
  if (whole.length <= longestCookie) return [whole, ...deleteParts(name, options, held)];

  const room = longestCookie - setCookie(`${name}-1`, '', options).length;
  const count = Math.ceil(value.length / room);
  if (count > mostParts) return undefined;
  const parts = namesOfParts(name, count).map((part, index) =>
    setCookie(part, value.slice(index * room, (index + 1) * room), options),
  );
  return [setCookie(name, `parts:${count}`, options), ...parts, ...deleteParts(name, options, held, count)];
}

/** `Set-Cookie` headers that delete a cookie, and its parts as far as a request has them. */
export function deleteLongCookie(
  name: string,
  options: Pick<CookieOptions, 'sameSite'>,
  held: string | undefined,
): string[] {
  return [setCookie(name, '', { ...options, maxAge: 0 }), ...deleteParts(name, options, held)];
}

/** @param kept the number of parts that stay */
function deleteParts(
  name: string,
  options: Pick<CookieOptions, 'sameSite'>,
  held: string | undefined,
  kept = 0,
): string[] {
  const sent = new Set(cookiesNamed(held, `${name}-`).map((cookie) => cookie.name));
  const over = namesOfParts(name, mostParts)
    .slice(kept)
    .filter((part) => sent.has(part));
  return over.map((part) => setCookie(part, '', { ...options, maxAge: 0 }));
}

function namesOfParts(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}
