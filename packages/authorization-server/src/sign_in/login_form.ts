import { type RefusedClaim, refusedClaim } from '@tallystick/common';
import type { IsClientName } from '../clients/client_names.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { Claims } from './accounts.ts';

export type ReadLogin = { readonly user: string; readonly claims: Claims } | { readonly problem: string };

/** Reads who signs in and what is claimed about them, or says what is wrong with it. */
export async function readLogin(form: URLSearchParams, isClientName: IsClientName): Promise<ReadLogin> {
  const user = form.get('user')?.trim() ?? '';
  if (!/^[\x21-\x7e]{1,255}$/.test(user))
    return { problem: 'A user needs a name without spaces, up to 255 characters of ASCII.' };
  if (await mapStoreErrors(isClientName(user)))
    return { problem: 'That is the name of a client; a user needs another one.' };
  const text = form.get('claims')?.trim() ?? '';
  if (text === '') return { user, claims: {} };
  const claims = parseObject(text);
  if (claims === undefined) return { problem: 'The claims must be a JSON object, such as {"role": "auditor"}.' };
  const refused = refusedClaim(claims);
  return refused === undefined ? { user, claims } : { problem: problemOf(refused) };
}

function problemOf({ path, reason }: RefusedClaim): string {
  const name = path.join('.');
  switch (reason) {
    case 'set by the server':
      return `The server itself sets ${name}; leave that out of the claims.`;
    case 'inherited name':
      return `No claim can be called ${name}; leave that out of the claims.`;
    case 'too deep':
      return `The claim ${name} is nested too deeply.`;
  }
}

function parseObject(text: string): Claims | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Claims) : undefined;
  } catch {
    return undefined;
  }
}
