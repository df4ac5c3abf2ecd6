import { RequestError } from '../http/errors.ts';

/**
 * Converts the request target of the client into the one for the API. The part after the prefix stays byte for byte.
 *
 * @param target begins with the prefix
 * @throws {RequestError} when the result would look like the address of another server
 */
export type Rewrite = (target: string) => string;

/** @param matched the prefix of the route @param replacement the prefix at the API; empty to remove it */
export function createRewrite(matched: string, replacement: string): Rewrite {
  const length = matched === '/' ? 0 : matched.length;

  return (target) => {
    const rest = target.slice(length);
    const rewritten = rest.startsWith('/') || replacement !== '' ? `${replacement}${rest}` : `/${rest}`;
    // Without its prefix, `/orders//evil.example` would be the address of a server (RFC 3986 section 4.2), encoded or not.
    if (/^\/(?:[/\\]|%2f|%5c)/i.test(rewritten)) {
      throw new RequestError('invalid_request', 'the path must not begin with two slashes');
    }
    return rewritten;
  };
}
