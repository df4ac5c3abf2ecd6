import { type Configuration, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';

type Limits = Pick<AuthorizationServerConfig, 'clients' | 'registeredClientCredentials'>;

/** The routes that validate metadata which a client sends. */
const registrationRoutes = new Set(['registration', 'client_update']);

/**
 * Refuses the client_credentials grant at registration (RFC 7591 section 3.2.2), unless the configuration allows it. Anyone
 * can register a client, or publish a metadata document at an https URL. If such a client got tokens without a user, a web
 * page that reaches a developer's server could call all of its APIs.
 */
export function registrationRules({ registeredClientCredentials }: Limits): Pick<Configuration, 'extraClientMetadata'> {
  if (registeredClientCredentials) return {};
  return {
    extraClientMetadata: {
      // oidc-provider has validated the format of this standard property before it calls the validator.
      properties: ['grant_types'],
      validator(ctx, _name, grantTypes) {
        const route = (ctx as KoaContextWithOIDC | undefined)?.oidc?.route;
        if (!registrationRoutes.has(route ?? '') || !(grantTypes as string[]).includes('client_credentials')) return;
        throw new errors.InvalidClientMetadata(
          'grant_types must not include client_credentials: this server does not allow it for registered clients',
        );
      },
    },
  };
}

/** Refuses the grant at the token endpoint too, for clients registered earlier and clients with a metadata document. */
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
