import type { AccessTokenStyle } from '../config/config.ts';

/**
 * What a token of each style looks like. Anything else is refused without a lookup.
 *
 * `split`: a signature is 86 characters long with ES256 and EdDSA, 683 with RSA and 4096 bits.
 */
const shapes: Readonly<Record<AccessTokenStyle, RegExp>> = {
  jwt: /^[\w-]+\.[\w-]+\.[\w-]+$/,
  opaque: /^[\w-]{16,512}$/,
  phantom: /^[\w-]{16,512}$/,
  split: /^[\w-]{64,1024}$/,
};

/** A `b64token` (RFC 6750 section 2.1), which is all that can be said of what another authorization server issues. */
const anyToken = /^[\w.~+/-]+=*$/;

/**
 * What the tokens of an API look like.
 *
 * @param pattern a regular expression for all of a token, where the authorization server's are of a shape of their own
 * @param isForeign whether the authorization server is another than the gateway's own
 * @throws {TypeError} for a pattern that is none
 */
export function tokenShape(
  style: AccessTokenStyle,
  { pattern, isForeign }: { readonly pattern: string | undefined; readonly isForeign: boolean },
): RegExp {
  if (pattern === undefined) return isForeign && style !== 'jwt' ? anyToken : shapes[style];
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch {
    throw new TypeError(`tokenPattern must be a regular expression: ${JSON.stringify(pattern)}`);
  }
}
