import { RequestError } from '../http/errors.ts';

/**
 * The request target for the API, from that of the client. What follows the prefix stays byte for byte.
 *
 * @param target begins with the prefix, as it stands
 * @throws {RequestError} when the rest would be read as another server's address
 */
export type Rewrite = (target: string) => string;

/** @param matched the prefix of the route @param replacement empty for none */
export function createRewrite(matched: string, replacement: string): Rewrite {
  const length = matched === '/' ? 0 : matched.length;

  return (target) => {
    const rest = target.slice(length);
    const rewritten = rest.startsWith('/') || replacement !== '' ? `${replacement}${rest}` : `/${rest}`;
    // Without its prefix, `/orders//evil.example` would be the address of a server (RFC 3986 section 4.2), however it is written.
    if (/^\/(?:[/\\]|%2f|%5c)/i.test(rewritten)) {
      throw new RequestError('invalid_request', 'the path must not begin with two slashes');
    }
    return rewritten;
  };
}
