import { type Configuration, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

type Limits = Pick<AuthorizationServerConfig, 'clients' | 'registeredClientCredentials'>;

/** Where clients say what they are, and are told what is wrong with it. */
const registrationRoutes = new Set(['registration', 'client_update']);

/**
 * Anybody may register a client, and every https URL can be one by its metadata document. Such a client must not come by tokens
 * without a user, and so not use the client_credentials grant, unless that is configured: a web page that gets at a developer's
 * server would be a client of all of its APIs.
 *
 * @returns the part that refuses it at the registration (RFC 7591 section 3.2.2)
 */
export function registrationRules({ registeredClientCredentials }: Limits): Pick<Configuration, 'extraClientMetadata'> {
  if (registeredClientCredentials) return {};
  return {
    extraClientMetadata: {
      // oidc-provider knows it, and has checked its form when it asks about it here.
      properties: ['grant_types'],
      validator(ctx, _name, grantTypes) {
        const route = (ctx as KoaContextWithOIDC | undefined)?.oidc?.route;
        if (!registrationRoutes.has(route ?? '') || !(grantTypes as string[]).includes('client_credentials')) return;
        throw new errors.InvalidClientMetadata(
          'grant_types must not have client_credentials: clients that register themselves do not get it here',
        );
      },
    },
  };
}

/** The part that refuses it at the token endpoint, whenever the client was registered and wherever its metadata is. */
export function limitRegisteredClients(provider: Provider, { clients, registeredClientCredentials }: Limits): void {
  if (registeredClientCredentials) return;
  const configured = new Set(clients.map(({ id }) => id));
  const { prototype } = provider.Client;
  const { grantTypeAllowed } = prototype;
  prototype.grantTypeAllowed = function (grantType) {
    if (grantType === 'client_credentials' && !configured.has(this.clientId)) return false;
    return grantTypeAllowed.call(this, grantType);
  };
}
