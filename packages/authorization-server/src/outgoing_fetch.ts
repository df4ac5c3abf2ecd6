/**
 * How the server calls what clients name: their keys, their metadata, where they want to be notified.
 *
 * oidc-provider refuses addresses that are not public, so that nobody makes the server call into its own network. In
 * development that is where everything lives: an issuer on http is one for development, and may call anywhere.
 */
export function createOutgoingFetch(issuer: string, fetch: typeof globalThis.fetch = globalThis.fetch) {
  const inDevelopment = new URL(issuer).protocol === 'http:';
  return (url: string | URL | Request, options: RequestInit = {}): Promise<Response> => {
    if (!inDevelopment) return fetch(url, options);
    const { dispatcher: _publicAddressesOnly, ...anywhere } = options;
    return fetch(url, anywhere);
  };
}
