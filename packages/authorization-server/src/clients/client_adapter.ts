import type { TokenStore } from '@tallystick/token-store';
import type { AdapterPayload } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { answeringForTheStore } from '../storage/store_unavailable.ts';
import { clientMetadata } from './clients.ts';
import type { Registrations } from './registrations.ts';

/**
 * oidc-provider's Adapter for clients: the configured ones, and behind them those that registered themselves.
 *
 * oidc-provider's own `clients` are not used: it copies them with `structuredClone`, whose objects it then takes for
 * no JSON objects where tests run in a realm of their own, as under Jest.
 *
 * A client that deletes itself takes with it what it was issued (RFC 7592 section 2.3). That goes first: when the store fails
 * in between, the client is still there and can ask again. It gets nothing new meanwhile, as its identifier is gone for good.
 */
export function createClientAdapter(
  { clients }: Pick<AuthorizationServerConfig, 'clients'>,
  {
    registered,
    store,
  }: { readonly registered: Registrations['clients']; readonly store: Pick<TokenStore, 'revokeOwner'> },
): Registrations['clients'] {
  const configured = new Map(clients.map((client) => [client.id, JSON.stringify(clientMetadata(client))]));
  return {
    upsert: registered.upsert,
    async find(id) {
      const metadata = configured.get(id);
      return metadata === undefined ? registered.find(id) : (JSON.parse(metadata) as AdapterPayload);
    },
    async destroy(id) {
      await answeringForTheStore(store.revokeOwner({ client: id }, { forGood: true }));
      await registered.destroy(id);
    },
  };
}
