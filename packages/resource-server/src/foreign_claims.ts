/**
 * Reads scopes from the claims that an authorization server has them in: a text of them (RFC 6749 section 3.3), or a list.
 *
 * @param names of these claims; what they hold is put together
 * @returns scopes with a space between them, undefined without any of the claims, null when one is malformed
 */
export function readScope(
  claims: Readonly<Record<string, unknown>>,
  names: readonly string[],
): string | undefined | null {
  const values = names.map((name) => claims[name]).filter((value) => value !== undefined);
  if (values.length === 0) return undefined;
  const scopes = values.flat();
  return scopes.every((scope) => typeof scope === 'string') ? scopes.join(' ') : null;
}

/** The claim that names the client: of RFC 9068, of OpenID Connect and Keycloak, Auth0 and Entra, of Okta, and of Entra's first version. */
export const foreignClientIdClaims: readonly string[] = ['client_id', 'azp', 'cid', 'appid'];
