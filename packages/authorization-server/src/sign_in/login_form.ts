import { type RefusedClaim, refusedClaim } from '@tallystick/common';
import type { IsClientName } from '../clients/client_names.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import type { Accounts, Claims } from './accounts.ts';

/** Names that the login page takes. */
const USER = /^[\x21-\x7e]{1,255}$/;

export type LoginForm = { readonly user: string; readonly claims: Claims } | { readonly problem: string };

/** Reads the user and the added claims from the login form. @returns a problem to show to the user if one of them is invalid */
export async function readLogin(form: URLSearchParams, isClientName: IsClientName): Promise<LoginForm> {
  const user = form.get('user')?.trim() ?? '';
  if (!USER.test(user)) return { problem: 'The user name must have 1 to 255 ASCII characters and no spaces.' };
  if (await mapStoreErrors(isClientName(user)))
    return { problem: 'This is the identifier of a client. Choose another user name.' };
  const text = form.get('claims')?.trim() ?? '';
  if (text === '') return { user, claims: {} };
  const claims = parseObject(text);
  if (claims === undefined) return { problem: 'The claims must be a JSON object, such as {"role": "auditor"}.' };
  const refused = refusedClaim(claims);
  return refused === undefined ? { user, claims } : { problem: problemOf(refused) };
}

/**
 * Makes a user known who is not configured, as the login page does.
 *
 * @returns whether the name can be that of a user
 * @throws {StoreUnavailableError}
 */
export type AddUser = (user: string) => Promise<boolean>;

export function createAddUser(accounts: Pick<Accounts, 'addUser'>, isClientName: IsClientName): AddUser {
  return async (user) => {
    if (!USER.test(user) || (await mapStoreErrors(isClientName(user)))) return false;
    await accounts.addUser(user);
    return true;
  };
}

function problemOf({ path, reason }: RefusedClaim): string {
  const name = path.join('.');
  switch (reason) {
    case 'set by the server':
      return `The server sets ${name} itself. Remove it from the claims.`;
    case 'inherited name':
      return `${name} is not allowed as the name of a claim. Remove it from the claims.`;
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
