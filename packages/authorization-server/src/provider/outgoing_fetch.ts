import type { AuthorizationServerConfig } from '../config/config.ts';
import { isDevelopmentIssuer } from '../config/development.ts';

/**
 * Creates the `fetch` for URLs that clients name: keys, metadata and notification endpoints.
 *
 * oidc-provider restricts these calls to public addresses, to prevent server-side request forgery. In development clients
 * run at private addresses: an issuer on http or on this machine may call any address.
 */
export function createOutgoingFetch(
  { issuer, callsPrivateAddresses }: Pick<AuthorizationServerConfig, 'issuer' | 'callsPrivateAddresses'>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
) {
  const anyAddress = callsPrivateAddresses ?? isDevelopmentIssuer({ issuer });
  return (url: string | URL | Request, options: RequestInit = {}): Promise<Response> => {
    if (!anyAddress) return fetch(url, options);
    const { dispatcher: _publicAddressesOnly, ...unrestricted } = options;
    return fetch(url, unrestricted);
  };
}
