import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const MARK = 'sealed:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The client's half (a token, a code, a session cookie) or a secret of the servers; or both, for records. Whoever writes to the store
 * can choose what a client holds, but does not know the servers' secret, so nobody but the servers can make a record.
 */
export type SealedUnder = string | { readonly clientHeld: string; readonly servers: string };

/**
 * Encrypts a value so that only who presents the secret can read it: AES-256-GCM under HKDF-SHA-256 (RFC 5869) of the
 * secret. The store key is authenticated along with it, so that a value cannot be moved to another key.
 *
 * @param key the store key that the value goes under
 */
export function seal(secret: SealedUnder, key: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret), nonce).setAAD(Buffer.from(key));
  const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return MARK + sealed.toString('base64url');
}

/** @returns the value, or undefined when the secret is not the one it was sealed with, or the value was tampered with */
export function unseal(secret: SealedUnder, key: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url');
  if (!isSealed(sealed) || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret), bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(key))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined; // The tag does not match: another secret, another key, or a changed value.
  }
}

/** What tells a sealed value from every other one: it begins so. A copy, so that the value itself need not be kept for it. */
export function markOf(sealed: string): string {
  return Buffer.from(sealed.slice(0, MARK.length + Math.ceil((NONCE_BYTES * 8) / 6))).toString();
}

/** Whether a value was written by `seal`. A signing input never looks like it: `:` is not in the base64url alphabet. */
export function isSealed(value: string): boolean {
  return value.startsWith(MARK);
}

/**
 * HKDF-SHA-256 (RFC 5869) of 32 bytes, where one block is enough. `hkdfSync` takes twice as long.
 *
 * @param sealedUnder with both secrets, that of the servers is the salt
 */
function sealingKey(sealedUnder: SealedUnder): Buffer {
  const { clientHeld, servers } =
    typeof sealedUnder === 'string' ? { clientHeld: sealedUnder, servers: '' } : sealedUnder;
  const material = typeof sealedUnder === 'string' ? clientHeld : `tallystick record ${clientHeld}`;
  const extracted = createHmac('sha256', servers).update(material).digest();
  return createHmac('sha256', extracted).update('tallystick seal').update(Buffer.of(1)).digest();
}
