import type { SigningKey } from '@tallystick/testing/signing_key';
import { SignJWT } from 'jose';

export const issuer = 'https://login.example.com';
export const audience = 'https://api.example.com/orders';
/** The time of the tests, in epoch seconds. */
export const issuedAt = 1_700_000_000;

/** A JWT access token (RFC 9068 section 2) good for ten minutes; `undefined` omits a claim or header parameter. */
export async function signAccessToken(
  key: SigningKey,
  claims: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
): Promise<string> {
  const payload = {
    iss: issuer,
    sub: 'alice',
    aud: audience,
    exp: issuedAt + 600,
    iat: issuedAt,
    jti: 'jti-1',
    client_id: 'demo-web',
    scope: 'read write',
    ...claims,
  };
  return new SignJWT(withoutUndefined(payload))
    .setProtectedHeader({ alg: key.alg, ...withoutUndefined({ typ: 'at+jwt', kid: key.kid, ...header }) })
    .sign(key.privateKey);
}

function withoutUndefined(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
