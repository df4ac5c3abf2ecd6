import type { AuthorizationServerConfig } from '../config/config.ts';

/**
 * Whether a client may introspect a token. The client of one API learns nothing about tokens of other APIs (RFC 9701 section 5,
 * RFC 7662 section 4), such as a token that reached the API by mistake.
 *
 * @param apis resource indicators of the token's APIs: several if they have the same audience
 */
export type MayIntrospect = (clientId: string, apis: readonly string[]) => boolean;

/** At a permissive issuer, clients that are not configured may introspect every token. */
export function createMayIntrospect({
  clients,
  permissive,
}: Pick<AuthorizationServerConfig, 'clients' | 'permissive'>): MayIntrospect {
  const allowed = new Map(clients.map(({ id, introspects }) => [id, introspects]));
  return (clientId, apis) => {
    const introspects = allowed.get(clientId) ?? permissive;
    return typeof introspects === 'boolean' ? introspects : apis.some((api) => introspects.includes(api));
  };
}
