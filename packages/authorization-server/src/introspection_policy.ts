import type { AuthorizationServerConfig } from './config.ts';

/** Whether a client may be told about tokens. */
export type MayIntrospect = (clientId: string) => boolean;

export function createMayIntrospect({ clients }: Pick<AuthorizationServerConfig, 'clients'>): MayIntrospect {
  const introspectors = new Set(clients.filter((client) => client.introspects).map((client) => client.id));
  return (clientId) => introspectors.has(clientId);
}
