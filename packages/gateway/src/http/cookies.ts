import type { IncomingHttpHeaders } from 'node:http';
import { trimWhitespace } from '@tallystick/common';
import type { GatewayConfig } from '../config/config.ts';
import { RequestError } from './errors.ts';

/**
 * The value of a cookie of a request (RFC 6265 section 4.2).
 *
 * @param header the `Cookie` header
 * @throws {RequestError} `invalid_request` when there are several: whose they are, the request does not tell
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || !header.includes(name)) return undefined;
  const beginning = `${name}=`;
  const [value, ...others] = pairs(header).filter((pair) => pair.startsWith(beginning));
  if (others.length > 0) throw new RequestError('invalid_request', 'the request has a cookie more than once');
  return value?.slice(beginning.length);
}

/**
 * The `Cookie` header without the cookies of some names and those whose names begin with one of them and a hyphen.
 *
 * @returns undefined when nothing is left
 */
export function withoutCookies(header: string, names: readonly string[]): string | undefined {
  const kept = pairs(header).filter((pair) => !isNamed(pair, names));
  return kept.length > 0 ? kept.join('; ') : undefined;
}

/** Whether there is a cookie that {@link withoutCookies} would take out. */
export function hasCookie(header: string | undefined, names: readonly string[]): boolean {
  return header !== undefined && names.length > 0 && pairs(header).some((pair) => isNamed(pair, names));
}

/**
 * Takes the cookies that {@link withoutCookies} would take out of a request out of the head of an API's response: with one of
 * its own, an API could sign a user in as somebody else.
 */
export function removeSetCookies(headers: IncomingHttpHeaders, names: readonly string[]): void {
  if (names.length === 0 || headers['set-cookie'] === undefined) return;
  const kept = headers['set-cookie'].filter((cookie) => !isNamed(cookie, names));
  if (kept.length > 0) headers['set-cookie'] = kept;
  else delete headers['set-cookie'];
}

/** The cookies of a request whose names begin alike, and how many characters each takes. @param header the `Cookie` header */
export function cookiesNamed(header = '', beginning: string): { readonly name: string; readonly length: number }[] {
  return pairs(header)
    .map((pair) => ({ name: nameOf(pair), length: pair.length }))
    .filter(({ name }) => name.startsWith(beginning));
}

function nameOf(pair: string): string {
  return trimWhitespace(pair.split('=', 1)[0] ?? '');
}

function isNamed(pair: string, names: readonly string[]): boolean {
  const name = nameOf(pair);
  return names.some((taken) => name === taken || name.startsWith(`${taken}-`));
}

export interface CookieOptions {
  /** Seconds; 0 deletes it. */
  readonly maxAge: number;
  readonly sameSite: 'strict' | 'lax';
}

/** A `Set-Cookie` header (RFC 6265 section 4.1) for a `__Host-` cookie, out of reach of scripts. The value is of characters that need no quotes. */
export function setCookie(name: string, value: string, { maxAge, sameSite }: CookieOptions): string {
  const site = sameSite === 'strict' ? 'Strict' : 'Lax';
  return `${name}=${value}; Max-Age=${maxAge}; Path=/; Secure; HttpOnly; SameSite=${site}`;
}

function pairs(header: string): string[] {
  return header
    .split(';')
    .map(trimWhitespace)
    .filter((pair) => pair !== '');
}

/** Names of cookies that hold tokens: those of routes and of token handlers. */
export function namesOfTokenCookies({ routes, tokenHandlers = [] }: GatewayConfig): readonly string[] {
  const ofRoutes = routes.flatMap((route) => (route.public || !route.tokenCookie ? [] : route.tokenCookie.name));
  return [...new Set([...ofRoutes, ...tokenHandlers.map(({ cookie }) => cookie)])];
}
