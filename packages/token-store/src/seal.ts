import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

const MARK = 'sealed:';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * The client's half (a token, a code, a session cookie), a secret of the servers, or both for records. An attacker who can write to the
 * store can choose the client's half but does not know the secret, so only the servers can make a record.
 */
export type SealedUnder = string | { readonly clientHeld: string; readonly servers: string };

/**
 * Encrypts a value with AES-256-GCM under a key derived from the secret (HKDF-SHA-256, RFC 5869). The store key is authenticated
 * too, so that a value cannot be moved to another key.
 *
 * @param key store key of the value
 */
export function seal(secret: SealedUnder, key: string, value: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', sealingKey(secret), nonce).setAAD(Buffer.from(key));
  const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return MARK + sealed.toString('base64url');
}

/** @returns the value; undefined if the secret is a different one or the value was changed */
export function unseal(secret: SealedUnder, key: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed.slice(MARK.length), 'base64url');
  if (!isSealed(sealed) || bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(secret), bytes.subarray(0, NONCE_BYTES))
    .setAAD(Buffer.from(key))
    .setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
  } catch {
    return undefined; // The tag does not match: a different secret or store key, or a changed value.
  }
}

/** The unique start of a sealed value. It is a copy, so that the value itself can be garbage-collected. */
export function markOf(sealed: string): string {
  return Buffer.from(sealed.slice(0, MARK.length + Math.ceil((NONCE_BYTES * 8) / 6))).toString();
}

/** Whether `seal` made a value. A signing input cannot look like one: `:` is not in the base64url alphabet. */
export function isSealed(value: string): boolean {
  return value.startsWith(MARK);
}

/**
 * HKDF-SHA-256 (RFC 5869) with an output of 32 bytes, which is one block. `hkdfSync` takes twice as long.
 *
 * @param sealedUnder if there are both secrets, the servers' secret is the salt
 */
function sealingKey(sealedUnder: SealedUnder): Buffer {
  const { clientHeld, servers } =
    typeof sealedUnder === 'string' ? { clientHeld: sealedUnder, servers: '' } : sealedUnder;
  const material = typeof sealedUnder === 'string' ? clientHeld : `tallystick record ${clientHeld}`;
  const extracted = createHmac('sha256', servers).update(material).digest();
  return createHmac('sha256', extracted).update('tallystick seal').update(Buffer.of(1)).digest();
}
