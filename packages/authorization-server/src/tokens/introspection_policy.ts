import type { AuthorizationServerConfig } from '../config/config.ts';

/**
 * Whether a client may be told about a token. Who asks for an API learns nothing about the tokens of others (RFC 9701 section 5,
 * RFC 7662 section 4): one that it was sent by mistake, or that somebody shows it to find out what it says.
 *
 * @param apis resource indicators of those that the token is for; more than one, where several have the same audience
 */
export type MayIntrospect = (clientId: string, apis: readonly string[]) => boolean;

export function createMayIntrospect({ clients }: Pick<AuthorizationServerConfig, 'clients'>): MayIntrospect {
  const allowed = new Map(clients.map(({ id, introspects }) => [id, introspects]));
  return (clientId, apis) => {
    const introspects = allowed.get(clientId) ?? false;
    return typeof introspects === 'boolean' ? introspects : apis.some((api) => introspects.includes(api));
  };
}
