import type { AccessTokenStyle } from '../config/route.ts';

const jwt = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** `split`: a signature is 86 characters long with ES256 and EdDSA, 683 with RSA and 4096 bits. */
const signature = /^[\w-]{64,1024}$/;

/** A `b64token` (RFC 6750 section 2.1): the only rule for tokens of another authorization server. */
const anyToken = /^[\w.~+/-]+=*$/;

export interface TokenIssuer {
  /** A regular expression for a complete reference token; undefined for any. */
  readonly tokenPattern: string | undefined;
  /** Whether the issuer is not the gateway's own authorization server. */
  readonly isForeign: boolean;
}

/** The shape of the tokens of an API. Any other token is refused without a lookup. */
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
