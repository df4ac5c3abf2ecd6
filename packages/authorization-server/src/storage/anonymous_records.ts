import type { AdapterPayload, KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

/** Who sent the request that a record is written for. */
export interface Caller {
  /** A client that the configuration knows, and that authenticated. Clients that registered themselves can be anybody's. */
  readonly isConfiguredClient: boolean;
}

/**
 * Whether anybody can have a record of this kind written, without a user or a known client behind it. Such records have lives
 * and budgets of their own, so that a flood of them leaves users alone. Whoever signs in is a user.
 */
export function isAnonymous(kind: string, payload: AdapterPayload, { isConfiguredClient }: Caller): boolean {
  switch (kind) {
    case 'Interaction':
      return payload.session?.accountId === undefined && payload.result?.login === undefined;
    case 'Session':
      return payload.accountId === undefined;
    // Of a flood of proofs the oldest can be used again. By itself a proof is good for nothing.
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

/** Makes what finds out whether a client of the configuration authenticated. */
export function createIsConfiguredClient({ clients }: Pick<AuthorizationServerConfig, 'clients'>) {
  const configured = new Set(clients.map(({ id }) => id));
  return (ctx: KoaContextWithOIDC | undefined): boolean => {
    const client = ctx?.oidc?.client;
    return client !== undefined && configured.has(client.clientId) && client.clientAuthMethod !== 'none';
  };
}
