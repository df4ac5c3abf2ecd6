/**
 * The authentication context (OpenID Connect Core section 2) of a sign-in: the first class that the client asks for and
 * that there is, otherwise the first there is. What the user did is pick a name: user presence (RFC 8176).
 *
 * @param acrValues the classes there are
 */
export function authenticationContext(
  params: { readonly acr_values?: unknown; readonly claims?: unknown },
  acrValues: readonly string[],
): { acr?: string; amr: string[] } {
  const asked = [...acrOfClaims(params.claims), ...String(params.acr_values ?? '').split(' ')];
  const acr = asked.find((value) => acrValues.includes(value)) ?? acrValues[0];
  return { ...(acr === undefined ? undefined : { acr }), amr: ['user'] };
}

/** The classes that the `claims` parameter asks for (OpenID Connect Core section 5.5.1.1). */
function acrOfClaims(claims: unknown): string[] {
  if (typeof claims !== 'string') return [];
  const { id_token: idToken } = JSON.parse(claims) as { id_token?: { acr?: { value?: string; values?: string[] } } };
  const { value, values = [] } = idToken?.acr ?? {};
  return value === undefined ? values : [value];
}
