export interface ReadJwt {
  /** Whether the text has the form of a signed or encrypted JWT (RFC 7519 section 3). */
  readonly isJwt: boolean;
  /** The third part of a signed JWT. */
  readonly signature?: string;
  /** The claims of a signed JWT. Nothing verified them. */
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Takes a token apart that may be a JWT. */
export function readJwt(token: string): ReadJwt {
  const parts = token.split('.');
  if (parts.length === 5) return { isJwt: true };
  const [, payload = '', signature] = parts;
  if (parts.length !== 3 || signature === undefined) return { isJwt: false };
  try {
    return { isJwt: true, signature, claims: JSON.parse(Buffer.from(payload, 'base64url').toString()) };
  } catch {
    return { isJwt: false };
  }
}
