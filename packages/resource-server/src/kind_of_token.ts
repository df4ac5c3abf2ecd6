/**
 * Whether a token's claims, or an introspection answer about it, say that it is an access token. Authorization servers sign ID
 * tokens, refresh tokens and logout tokens with the keys of access tokens, and introspect them too.
 *
 * @returns undefined when they do not say
 */
export function saysAccessToken(claims: Readonly<Record<string, unknown>>): boolean | undefined {
  const { typ, token_use: use } = claims;
  // Keycloak has Bearer, DPoP, ID, Refresh and Logout in `typ`; Cognito access and id, Hydra access_token and refresh_token in `token_use`.
  const said = [
    typ === undefined ? undefined : isOneOf(typ, ['bearer', 'dpop']),
    use === undefined ? undefined : isOneOf(use, ['access', 'access_token']),
  ].filter((says) => says !== undefined);
  return said.length === 0 ? undefined : said.every((says) => says);
}

/** Claims of ID tokens (OpenID Connect Core sections 2 and 3.3.2.11, FAPI 1.0), logout tokens, and signed introspection answers. */
const claimsOfOthers = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection'];

/** The scopes or the client of an access token, under the names that authorization servers have for them. */
const claimsOfAccessTokens = ['scope', 'scp', 'client_id', 'cid', 'appid'];

/**
 * Whether a JWT whose `typ` does not tell is an access token by its claims. What says nothing of itself, and has neither scopes nor
 * a client, is none: so do ID tokens look.
 */
export function looksLikeAccessToken(claims: Readonly<Record<string, unknown>>): boolean {
  const has = (name: string) => claims[name] !== undefined;
  return (
    saysAccessToken(claims) ?? (!claimsOfOthers.some(has) && (claimsOfAccessTokens.some(has) || isForAnother(claims)))
  );
}

/** The `azp` of an ID token is in its `aud` (OpenID Connect Core section 2). */
function isForAnother({ azp, aud }: Readonly<Record<string, unknown>>): boolean {
  return azp !== undefined && ![aud].flat().includes(azp);
}

function isOneOf(value: unknown, names: readonly string[]): boolean {
  return typeof value === 'string' && names.includes(value.toLowerCase());
}
