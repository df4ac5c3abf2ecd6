import type { ApiConfig } from '../config/config.ts';

/** Finds the APIs whose tokens have the whole of an audience. */
export function createApisByAudience(apis: readonly ApiConfig[]): (audience: unknown) => ApiConfig[] {
  const nameOf = (audience: unknown) => JSON.stringify([audience].flat().sort());
  const named = apis.map((api) => ({ api, name: nameOf(api.audience ?? api.resource) }));
  return (audience) => {
    const wanted = nameOf(audience);
    return named.filter(({ name }) => name === wanted).map(({ api }) => api);
  };
}

/** The resource indicator of the API that a stored token is for; undefined for none, as with a refresh token. */
export function resourceOf(token: object): string | undefined {
  const { api, aud } = token as { readonly api?: unknown; readonly aud?: unknown };
  const resource = api ?? aud;
  return typeof resource === 'string' ? resource : undefined;
}
