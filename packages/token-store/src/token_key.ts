import { hash } from 'node:crypto';

/**
 * The only form in which a client-held token is stored, cached, logged or sent between processes.
 *
 * @param token the client-held token
 * @returns BASE64URL(SHA-256(token)), 43 characters
 */
export function tokenKey(token: string): string {
  return hash('sha256', token, 'base64url');
}
