import { type Configuration, errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { IMPLICIT_IS_OFF, isImplicit } from '../provider/implicit.ts';
import { hasPrivateUseScheme } from './clients.ts';

type Limits = Pick<AuthorizationServerConfig, 'clients' | 'registeredClientCredentials'>;

type Features = Pick<AuthorizationServerConfig, 'features'>;

/** The routes that validate metadata which a client sends. */
const registrationRoutes = new Set(['registration', 'client_update']);

/**
 * Refuses the client_credentials grant at registration (RFC 7591 section 3.2.2), unless the configuration allows it. Anyone
 * can register a client, or publish a metadata document at an https URL. If such a client got tokens without a user, a web
 * page that reaches a developer's server could call all of its APIs.
 */
function refuseClientCredentials(grantTypes: unknown): void {
  if (!Array.isArray(grantTypes) || !grantTypes.includes('client_credentials')) return;
  throw new errors.InvalidClientMetadata(
    'grant_types must not include client_credentials: this server does not allow it for registered clients',
  );
}

/**
 * Front-channel logout loads a page of each client in a frame, where browsers withhold the cookies that the client would need.
 * oidc-provider has no support for it.
 */
const FRONT_CHANNEL_LOGOUT = ['frontchannel_logout_uri', 'frontchannel_logout_session_required'];

function refuseImplicit(responseTypes: unknown, { implicit }: Features['features']): void {
  const needed = Array.isArray(responseTypes) && responseTypes.some(isImplicit);
  if (needed && !implicit) throw new errors.InvalidClientMetadata(`response_types: ${IMPLICIT_IS_OFF}`);
}

function refuseFrontChannelLogout(name: string): never {
  throw new errors.InvalidClientMetadata(
    `${name} is not supported: this server has no front-channel logout; use backchannel_logout_uri`,
  );
}

/**
 * Metadata that a client asks for and this server does not have. oidc-provider gives the values as they were sent, before it
 * validates them. A metadata document is for all authorization servers, so what is not for this one is ignored there.
 */
export function registrationRules({ clients, registeredClientCredentials, features }: Limits & Features) {
  const configured = new Set(clients.map(({ id }) => id));
  return {
    extraClientMetadata: {
      properties: ['grant_types', 'response_types', ...FRONT_CHANNEL_LOGOUT],
      validator(ctx, name, value, metadata) {
        const route = (ctx as KoaContextWithOIDC | undefined)?.oidc?.route;
        const isRegistration = registrationRoutes.has(route ?? '');
        if (isRegistration && !registeredClientCredentials && name === 'grant_types') refuseClientCredentials(value);
        if (name === 'response_types' && isRegistration) refuseImplicit(value, features);
        if (value === undefined || !FRONT_CHANNEL_LOGOUT.includes(name)) return;
        if (isRegistration || configured.has(metadata.client_id)) refuseFrontChannelLogout(name);
      },
    },
  } satisfies Pick<Configuration, 'extraClientMetadata'>;
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

/** Registers a client with a private-use URI scheme, such as `cursor:`, as a native one, unless it names its type. */
export function inferApplicationType(provider: Provider): void {
  // oidc-provider asks this first for the metadata of a registration, before it validates them.
  const Client = provider.Client as unknown as { needsSecret(metadata: RegisteredMetadata): boolean };
  const { needsSecret } = Client;
  Client.needsSecret = (metadata) => {
    const { redirect_uris: uris, application_type: type } = metadata;
    if (type === undefined && Array.isArray(uris) && uris.some((uri) => hasPrivateUseScheme(String(uri))))
      metadata.application_type = 'native';
    return needsSecret.call(Client, metadata);
  };
}

interface RegisteredMetadata {
  readonly redirect_uris?: unknown;
  application_type?: unknown;
}
