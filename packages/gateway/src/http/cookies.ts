import type { IncomingHttpHeaders } from 'node:http';
import { trimWhitespace } from '@tallystick/common';
import type { GatewayConfig } from '../config/config.ts';
import { RequestError } from './errors.ts';

/**
 * The value of a cookie of a request (RFC 6265 section 4.2).
 *
 * @param header the `Cookie` header
 * @throws {RequestError} `invalid_request` when there are several: the request does not say which page set which
 */
export function readCookie(header: string | undefined, name: string): string | undefined {
  if (header === undefined || !header.includes(name)) return undefined;
  const prefix = `${name}=`;
  const [value, ...others] = pairs(header).filter((pair) => pair.startsWith(prefix));
  if (others.length > 0) throw new RequestError('invalid_request', 'the request has a cookie more than once');
  return value?.slice(prefix.length);
}

/**
 * Removes cookies from a `Cookie` header: those with the given names, and those whose names begin with one of them and a hyphen.
 *
 * @returns undefined when no cookie is left
 */
export function withoutCookies(header: string, names: readonly string[]): string | undefined {
  const kept = pairs(header).filter((pair) => !isNamed(pair, names));
  return kept.length > 0 ? kept.join('; ') : undefined;
}

/** Whether a `Cookie` header has a cookie that {@link withoutCookies} would remove. */
export function hasCookie(header: string | undefined, names: readonly string[]): boolean {
  return header !== undefined && names.length > 0 && pairs(header).some((pair) => isNamed(pair, names));
}

/**
 * Removes cookies from the response of an API, by the same names as {@link withoutCookies}: with a cookie of its own, an API could sign
 * in a user as another user.
 */
export function removeSetCookies(headers: IncomingHttpHeaders, names: readonly string[]): void {
  if (names.length === 0 || headers['set-cookie'] === undefined) return;
  const kept = headers['set-cookie'].filter((cookie) => !isNamed(cookie, names));
  if (kept.length > 0) headers['set-cookie'] = kept;
  else delete headers['set-cookie'];
}

/** The cookies of a request with this prefix, and the length of each in characters. @param header the `Cookie` header */
export function cookiesNamed(header = '', prefix: string): { readonly name: string; readonly length: number }[] {
  return pairs(header)
    .map((pair) => ({ name: nameOf(pair), length: pair.length }))
    .filter(({ name }) => name.startsWith(prefix));
}

function nameOf(pair: string): string {
  return trimWhitespace(pair.split('=', 1)[0] ?? '');
}

function isNamed(pair: string, names: readonly string[]): boolean {
  const name = nameOf(pair);
  return names.some((other) => name === other || name.startsWith(`${other}-`));
}

export interface CookieOptions {
  /** Seconds; 0 deletes the cookie. */
  readonly maxAge: number;
  readonly sameSite: 'strict' | 'lax';
}

/** A `Set-Cookie` header (RFC 6265 section 4.1) for a `__Host-` cookie that scripts cannot read. The value needs no quotes. */
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

/** The names of all cookies that hold tokens, of routes and of token handlers. */
export function tokenCookieNames({ routes, tokenHandlers }: GatewayConfig): readonly string[] {
  const ofRoutes = routes.flatMap(({ tokenCookie }) => tokenCookie?.name ?? []);
  return [...new Set([...ofRoutes, ...tokenHandlers.map(({ cookie }) => cookie)])];
}
