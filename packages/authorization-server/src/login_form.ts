import type { Claims } from './accounts.ts';

/** What may not be claimed at the login page, for the server says it itself (RFC 7519, 9068, 7800, 8693). */
const RESERVED = [
  'iss',
  'sub',
  'aud',
  'exp',
  'nbf',
  'iat',
  'jti',
  'client_id',
  'scope',
  'cnf',
  'act',
  'sid',
  'authorization_details',
];

export type ReadLogin = { readonly user: string; readonly claims: Claims } | { readonly problem: string };

/**
 * Reads who signs in and what is claimed about them, or says what is wrong with it.
 *
 * @param clientIds are no users' names: an API must be able to tell a user from a client by `sub` (RFC 9068 section 5)
 */
export function readLogin(form: URLSearchParams, clientIds: ReadonlySet<string>): ReadLogin {
  const user = form.get('user')?.trim() ?? '';
  if (!/^[\x21-\x7e]{1,255}$/.test(user))
    return { problem: 'A user needs a name without spaces, up to 255 characters of ASCII.' };
  if (clientIds.has(user)) return { problem: 'That is the name of a client; a user needs another one.' };
  const text = form.get('claims')?.trim() ?? '';
  if (text === '') return { user, claims: {} };
  const claims = parseObject(text);
  if (claims === undefined) return { problem: 'The claims must be a JSON object, such as {"role": "auditor"}.' };
  const reserved = RESERVED.filter((name) => name in claims);
  if (reserved.length > 0)
    return { problem: `The server itself says ${reserved.join(', ')}; leave that out of the claims.` };
  return { user, claims };
}

function parseObject(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
