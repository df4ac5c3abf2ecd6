import { createHmac } from 'node:crypto';
import type { Adapter, AdapterPayload } from 'oidc-provider';
import { clientMetadata } from './clients.ts';
import type { AuthorizationServerConfig } from './config.ts';

/**
 * oidc-provider's Adapter for clients: the configured ones, and behind them those that registered themselves.
 *
 * A client identifier is no secret, so it may not be what a registered client's record, secret and all, is sealed
 * under: the store sees it keyed with the servers' secret.
 *
 * oidc-provider's own `clients` are not used: it copies them with `structuredClone`, whose objects it then takes for
 * no JSON objects where tests run in a realm of their own, as under Jest.
 */
export function createClientAdapter({ clients, secret }: AuthorizationServerConfig, registered: Adapter): Adapter {
  const configured = new Map(clients.map((client) => [client.id, JSON.stringify(clientMetadata(client))]));
  const keyed = (id: string) => createHmac('sha256', secret).update(`registered client ${id}`).digest('base64url');
  return {
    ...registered,
    async find(id) {
      const metadata = configured.get(id);
      return metadata === undefined ? registered.find(keyed(id)) : (JSON.parse(metadata) as AdapterPayload);
    },
    upsert: (id, payload, expiresIn) => registered.upsert(keyed(id), payload, expiresIn),
    destroy: (id) => registered.destroy(keyed(id)),
  };
}
