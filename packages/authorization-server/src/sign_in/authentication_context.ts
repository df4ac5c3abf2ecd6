/**
 * The authentication context (OpenID Connect Core section 2) of a sign-in: the first requested class that is supported, or
 * else the first supported class. The user only picks a name, so the method is user presence (RFC 8176).
 *
 * @param acrValues the supported classes
 */
export function authenticationContext(
  params: { readonly acr_values?: unknown; readonly claims?: unknown },
  acrValues: readonly string[],
): { acr?: string; amr: string[] } {
  const supported = new Set<unknown>(acrValues);
  const requested = [...acrOfClaims(params.claims), ...String(params.acr_values ?? '').split(' ')];
  const acr = (requested.find((value) => supported.has(value)) as string | undefined) ?? acrValues[0];
  return { ...(acr === undefined ? undefined : { acr }), amr: ['user'] };
}

/** The classes that the `claims` parameter requests (OpenID Connect Core section 5.5.1.1). Their types are not checked. */
function acrOfClaims(claims: unknown): unknown[] {
  if (typeof claims !== 'string') return [];
  const { id_token: idToken } = JSON.parse(claims) as { id_token?: { acr?: { value?: unknown; values?: unknown } } };
  const { value, values } = idToken?.acr ?? {};
  if (value !== undefined) return [value];
  return Array.isArray(values) ? values : [];
}
