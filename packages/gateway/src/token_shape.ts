import type { AccessTokenStyle } from './access_token_style.ts';

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

/**
 * What the tokens of an API look like.
 *
 * @param pattern a regular expression for all of a token, where the authorization server's are of a shape of their own
 * @throws {TypeError} for a pattern that is none
 */
export function tokenShape(style: AccessTokenStyle, pattern: string | undefined): RegExp {
  if (pattern === undefined) return shapes[style];
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch {
    throw new TypeError(`tokenPattern must be a regular expression: ${JSON.stringify(pattern)}`);
  }
}
