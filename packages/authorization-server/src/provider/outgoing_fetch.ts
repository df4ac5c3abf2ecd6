import { isLoopbackName } from '@tallystick/common';
import type { AuthorizationServerConfig } from '../config/config.ts';

/**
 * How the server calls what clients name: their keys, their metadata, where they want to be notified.
 *
 * oidc-provider refuses addresses that are not public, so that nobody makes the server call into its own network. In
 * development that is where everything lives: an issuer on http or on this machine is one for development, and may call
 * anywhere.
 */
export function createOutgoingFetch(
  { issuer, callsPrivateAddresses }: Pick<AuthorizationServerConfig, 'issuer' | 'callsPrivateAddresses'>,
  fetch: typeof globalThis.fetch = globalThis.fetch,
) {
  const anywhereIsFine = callsPrivateAddresses ?? isForDevelopment(new URL(issuer));
  return (url: string | URL | Request, options: RequestInit = {}): Promise<Response> => {
    if (!anywhereIsFine) return fetch(url, options);
    const { dispatcher: _publicAddressesOnly, ...anywhere } = options;
    return fetch(url, anywhere);
  };
}

function isForDevelopment({ protocol, hostname }: URL): boolean {
  return protocol === 'http:' || isLoopbackName(hostname);
}
