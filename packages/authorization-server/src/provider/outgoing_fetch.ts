import { isLoopbackName } from '@tallystick/common';
import type { AuthorizationServerConfig } from '../config/config.ts';

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
  const anyAddress = callsPrivateAddresses ?? isForDevelopment(new URL(issuer));
  return (url: string | URL | Request, options: RequestInit = {}): Promise<Response> => {
    if (!anyAddress) return fetch(url, options);
    const { dispatcher: _publicAddressesOnly, ...unrestricted } = options;
    return fetch(url, unrestricted);
  };
}

function isForDevelopment({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' || isLoopbackName(hostname);
}
