import { hkdfSync } from 'node:crypto';
import { EncryptJWT, errors, type JWTPayload, jwtDecrypt } from 'jose';

/**
 * Encrypted values of cookies: JWEs (RFC 7516) in compact serialization with `dir` and `A256GCM`. Only gateways with the same secret can
 * create and read them. A value that was sealed for one cookie cannot be opened as another cookie.
 */
export interface SealedCookies {
  /** @param maxAge seconds for which the value can be opened */
  seal(cookie: string, content: JWTPayload, maxAge: number): Promise<string>;
  /** @returns undefined for a value that was sealed for another cookie or with another secret, or that has expired */
  open<Content extends JWTPayload>(cookie: string, value: string): Promise<Content | undefined>;
}

/**
 * @param secret shared by all gateways that serve one application; at least 32 characters
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
