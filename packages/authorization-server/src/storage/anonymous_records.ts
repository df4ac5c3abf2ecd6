import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** The sender of the request that writes a record. */
export interface Caller {
  /** Whether the sender authenticated as a client of the configuration. Anyone can register a client dynamically. */
  readonly isConfiguredClient: boolean;
}

/**
 * Whether anyone could cause this record to be written, without a signed-in user or a configured client. Anonymous records
 * have limits of their own in the store, so that a flood of them does not affect users.
 */
export function isAnonymous(kind: string, payload: AdapterPayload, { isConfiguredClient }: Caller): boolean {
  switch (kind) {
    case 'Interaction':
      return payload.session?.accountId === undefined && payload.result?.login === undefined;
    case 'Session':
      return payload.accountId === undefined;
    // A flood can evict the oldest proofs, which then can be replayed. Without its token a proof is useless.
    case 'ReplayDetection':
    case 'PushedAuthorizationRequest':
      return !isConfiguredClient;
    case 'DeviceCode':
    case 'BackchannelAuthenticationRequest':
      return !isConfiguredClient && payload.grantId === undefined && payload.error === undefined;
    default:
      return false;
  }
}

/** Creates the check whether a request authenticated as a client of the configuration. */
export function createIsConfiguredClient({ clients }: Pick<AuthorizationServerConfig, 'clients'>) {
  const configured = new Set(clients.map(({ id }) => id));
  return (ctx: KoaContextWithOIDC | undefined): boolean => {
    const client = ctx?.oidc?.client;
    return client !== undefined && configured.has(client.clientId) && client.clientAuthMethod !== 'none';
  };
}
