import { RequestError } from '../http/errors.ts';

/** What the API sees in place of the prefix of its route. */
export type RewriteConfig = { readonly stripPrefix: true } | { readonly prefix: string };

/**
 * The request target for the API, from that of the client. What follows the prefix stays byte for byte.
 *
 * @param target begins with the prefix, as it stands
 * @throws {RequestError} when the rest would be read as another server's address
 */
export type Rewrite = (target: string) => string;

/** @throws {TypeError} for a prefix that cannot be, or one that would be replaced by itself */
export function createRewrite(matched: string, config: RewriteConfig): Rewrite {
  const replacement = 'stripPrefix' in config ? '' : config.prefix;
  if (replacement !== '' && !/^(?:\/(?!\.{1,2}(?:\/|$))[\w~.-]+)+$/.test(replacement)) {
    throw new TypeError(`route ${matched}: the prefix to rewrite to must be segments like "/orders/v1"`);
  }
  const length = matched === '/' ? 0 : matched.length;
  if (matched.slice(0, length) === replacement) throw new TypeError(`route ${matched}: there is nothing to rewrite`);

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
