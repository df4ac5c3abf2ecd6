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
  const known = new Set<unknown>(acrValues);
  const asked = [...acrOfClaims(params.claims), ...String(params.acr_values ?? '').split(' ')];
  const acr = (asked.find((value) => known.has(value)) as string | undefined) ?? acrValues[0];
  return { ...(acr === undefined ? undefined : { acr }), amr: ['user'] };
}

/** The classes that the `claims` parameter asks for (OpenID Connect Core section 5.5.1.1), whatever they are. */
function acrOfClaims(claims: unknown): unknown[] {
  if (typeof claims !== 'string') return [];
  const { id_token: idToken } = JSON.parse(claims) as { id_token?: { acr?: { value?: unknown; values?: unknown } } };
  const { value, values } = idToken?.acr ?? {};
  if (value !== undefined) return [value];
  return Array.isArray(values) ? values : [];
}
