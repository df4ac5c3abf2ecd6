import { randomBytes } from 'node:crypto';
import { base64url, CompactSign, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';

/** Defects that a test token can have. */
export const DEFECTS = [
  'expired',
  'not_yet_valid',
  'wrong_issuer',
  'wrong_audience',
  'wrong_typ',
  'alg_none',
  'unknown_key',
  'halves_do_not_match',
] as const;
export type Defect = (typeof DEFECTS)[number];

/** The domain `.invalid` is reserved for names that never exist (RFC 6761 section 6.4). */
export const WRONG_ISSUER = 'https://wrong-issuer.invalid';
export const WRONG_AUDIENCE = 'https://wrong-audience.invalid/';

/** Seconds since an expired token expired, or until a `not_yet_valid` token becomes valid. */
const HOUR = 3600;

type Claims = Record<string, unknown>;
type Header = Record<string, unknown> & { alg: string };

/** Wrong claims, which get a valid signature. */
const wrongClaims: Partial<Record<Defect, (claims: Claims) => Claims>> = {
  expired: (claims) => ({ iat: Number(claims.iat) - HOUR - lifetimeOf(claims), exp: Number(claims.iat) - HOUR }),
  not_yet_valid: (claims) => ({ nbf: Number(claims.iat) + HOUR, exp: Number(claims.exp) + HOUR }),
  wrong_issuer: () => ({ iss: WRONG_ISSUER }),
  wrong_audience: () => ({ aud: WRONG_AUDIENCE }),
};

/**
 * Gives a valid JWT exactly one defect.
 *
 * @param key the current signing key
 * @returns compact serialization (RFC 7515 section 7.1); with `alg_none` the signature is empty (RFC 7519 section 6)
 */
export async function breakJwt(jwt: string, defect: Defect, key: JWK): Promise<string> {
  const [encodedHeader = '', encodedClaims = '', signature = ''] = jwt.split('.');
  const header = decode(encodedHeader) as Header;
  const claims = decode(encodedClaims) as Claims;
  switch (defect) {
    case 'alg_none':
      return `${encode({ ...header, alg: 'none', kid: undefined })}.${encodedClaims}.`;
    case 'halves_do_not_match':
      return `${encodedHeader}.${encode({ ...claims, jti: randomBytes(16).toString('base64url') })}.${signature}`;
    case 'wrong_typ':
      return sign({ ...header, typ: 'JWT' }, claims, key);
    case 'unknown_key': {
      const { privateKey } = await generateKeyPair(header.alg, { extractable: true });
      return sign({ ...header, kid: 'unknown' }, claims, await exportJWK(privateKey));
    }
    default:
      return sign(header, { ...claims, ...wrongClaims[defect]?.(claims) }, key);
  }
}

async function sign(header: Header, claims: Claims, key: JWK): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader(header).sign(await importJWK(key, header.alg));
}

function lifetimeOf({ iat, exp }: Claims): number {
  return Number(exp) - Number(iat);
}

function decode(part: string): unknown {
  return JSON.parse(new TextDecoder().decode(base64url.decode(part)));
}

function encode(part: object): string {
  return base64url.encode(JSON.stringify(part));
}
