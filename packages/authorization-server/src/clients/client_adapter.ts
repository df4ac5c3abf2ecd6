import type { TokenStore } from '@tallystick/token-store';
import type { AdapterPayload } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { clientMetadata } from './clients.ts';
import type { Registrations } from './registrations.ts';

/**
 * oidc-provider's Adapter for clients: configured clients first, then registered ones.
 *
 * The `clients` setting of oidc-provider is not used: it copies clients with `structuredClone`, and does not recognize the
 * copies as JSON objects in another realm, such as a Jest test.
 *
 * Deleting a client also revokes everything that was issued to it (RFC 7592 section 2.3). Revocation comes first: if the store
 * fails in between, the client still exists and can repeat the request. Meanwhile it gets no new tokens, since its identifier
 * is revoked for good.
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
      await mapStoreErrors(store.revokeOwner({ client: id }, { permanently: true }));
      await registered.destroy(id);
    },
  };
}
