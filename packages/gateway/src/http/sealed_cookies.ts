import { hkdfSync } from 'node:crypto';
import { EncryptJWT, errors, type JWTPayload, jwtDecrypt } from 'jose';

/**
 * Values of cookies that only gateways with the same secret can read or make: JWE (RFC 7516) in its compact form, `dir` and
 * `A256GCM`. What is sealed for one cookie does not open as another.
 */
export interface SealedCookies {
  /** @param maxAge seconds for which it opens */
  seal(cookie: string, content: JWTPayload, maxAge: number): Promise<string>;
  /** @returns undefined for what was not sealed for this cookie, with this secret, or is too old */
  open<Content extends JWTPayload>(cookie: string, value: string): Promise<Content | undefined>;
}

/**
 * @param secret what all gateways that serve one application share, at least 32 characters
 * @param now epoch milliseconds
 */
export function createSealedCookies(secret: string, now: () => number): SealedCookies {
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'tallystick gateway cookies', 32));
  return {
    seal: (cookie, content, maxAge) =>
      new EncryptJWT(content)
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', typ: cookie })
        .setExpirationTime(Math.floor(now() / 1000) + maxAge)
        .encrypt(key),
    async open<Content extends JWTPayload>(cookie: string, value: string) {
      try {
        const { payload } = await jwtDecrypt<Content>(value, key, {
          typ: cookie,
          keyManagementAlgorithms: ['dir'],
          contentEncryptionAlgorithms: ['A256GCM'],
          requiredClaims: ['exp'],
          currentDate: new Date(now()),
        });
        return payload;
      } catch (error) {
        if (error instanceof errors.JOSEError) return undefined;
        throw error;
      }
    },
  };
}
