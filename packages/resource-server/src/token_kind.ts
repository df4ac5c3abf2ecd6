/**
 * Whether the claims of a token, or an introspection response about it, declare it to be an access token. Authorization servers
 * sign ID tokens, refresh tokens and logout tokens with the same keys as access tokens, and introspect them too.
 *
 * @returns undefined when they do not declare anything
 */
export function declaresAccessToken(claims: Readonly<Record<string, unknown>>): boolean | undefined {
  const { typ, token_use: use } = claims;
  // Keycloak: Bearer, DPoP, ID, Refresh and Logout in `typ`. Cognito: access and id, Hydra: access_token and refresh_token in `token_use`.
  const declared = [
    typ === undefined ? undefined : isOneOf(typ, ['bearer', 'dpop']),
    use === undefined ? undefined : isOneOf(use, ['access', 'access_token']),
  ].filter((isAccess) => isAccess !== undefined);
  return declared.length === 0 ? undefined : declared.every((isAccess) => isAccess);
}

/** Claims of ID tokens (OpenID Connect Core sections 2 and 3.3.2.11, FAPI 1.0), logout tokens, and signed introspection responses. */
const claimsOfOtherTokens = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'];

/** The scopes or the client of an access token, under the names that authorization servers use. */
const claimsOfAccessTokens = ['scope', 'scp', 'client_id', 'cid', 'appid'];

/**
 * Guesses from the claims whether a JWT with an ambiguous `typ` is an access token. A JWT that declares nothing and has neither
 * scopes nor a client is refused, because ID tokens look like that.
 */
export function looksLikeAccessToken(claims: Readonly<Record<string, unknown>>): boolean {
  const has = (name: string) => claims[name] !== undefined;
  return (
    declaresAccessToken(claims) ??
    (!claimsOfOtherTokens.some(has) && (claimsOfAccessTokens.some(has) || isForOtherParty(claims)))
  );
}

/** The `azp` of an ID token is in its `aud` (OpenID Connect Core section 2). */
function isForOtherParty({ azp, aud }: Readonly<Record<string, unknown>>): boolean {
  return azp !== undefined && ![aud].flat().includes(azp);
}

function isOneOf(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'string' && names.includes(value.toLowerCase());
}
