import type { AccessTokenStyle } from '../config/route.ts';

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** `split`: a signature is 86 characters long with ES256 and EdDSA, 683 with RSA and 4096 bits. */
const signature = /^[\w-]{64,1024}$/;

/** A `b64token` (RFC 6750 section 2.1), which is all that can be said of what another authorization server issues. */
const anyToken = /^[\w.~+/-]+=*$/;

export interface TokenIssuer {
  /** A regular expression for all of a reference token; undefined for any. */
  readonly tokenPattern: string | undefined;
  /** Whether it is another than the gateway's own authorization server. */
  readonly isForeign: boolean;
}

/** What the tokens of an API look like. Anything else is refused without a lookup. */
export function tokenShape(style: AccessTokenStyle, { tokenPattern, isForeign }: TokenIssuer): RegExp {
  switch (style) {
    case 'jwt':
      return jwt;
    case 'split':
      return isForeign ? anyToken : signature;
    default:
      return tokenPattern === undefined ? anyToken : new RegExp(`^(?:${tokenPattern})$`);
  }
}
