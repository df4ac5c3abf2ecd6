import type { AuthorizationServerConfig } from './config.ts';

/** The claims that scopes of OpenID Connect bring (Core section 5.4). */
const STANDARD_SCOPES: Readonly<Record<string, readonly string[]>> = {
  openid: ['sub'],
  profile: [
    ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
    ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

/** Scopes about the user, not about an API, with the claims that they bring. */
export function claimsByScope({ scopes }: Pick<AuthorizationServerConfig, 'scopes'>): Record<string, string[]> {
  const all = Object.entries({ ...STANDARD_SCOPES, ...scopes });
  return Object.fromEntries(all.map(([scope, claims]) => [scope, [...claims]]));
}

/** The names of all scopes about the user (OpenID Connect Core sections 3.1.2.1, 5.4 and 11). */
export function userScopes(config: Pick<AuthorizationServerConfig, 'scopes'>): string[] {
  return ['offline_access', ...Object.keys(claimsByScope(config))];
}
