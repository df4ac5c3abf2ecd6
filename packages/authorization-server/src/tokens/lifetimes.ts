import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig, LifetimeConfig } from '../config/config.ts';

/** Seconds that oidc-provider gives the JWTs whose lifetime cannot be configured: logout tokens and JARM responses. */
const OTHER_JWTS = 120;

type Configured = Pick<AuthorizationServerConfig, 'lifetimes' | 'apis' | 'clients'>;

/** How long what is issued lives. All in seconds. */
export interface Lifetimes {
  /** An access token of a client for an API, or for userinfo. */
  accessToken(clientId: string | undefined, api: ApiConfig | undefined): number;
  /** The longest life of anything that a signing key signs. */
  readonly longestSigned: number;
  /** As oidc-provider asks. */
  readonly ttl: NonNullable<Configuration['ttl']>;
}

/** A client's own lifetimes go before those of the API and of the whole. */
export function createLifetimes({ lifetimes, apis, clients }: Configured): Lifetimes {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const ofClients = new Map(clients.map((client) => [client.id, client.lifetimes ?? {}]));

  function accessToken(clientId: string | undefined, api: ApiConfig | undefined): number {
    return ofClients.get(clientId ?? '')?.accessToken ?? api?.accessTokenLifetime ?? lifetimes.accessToken;
  }

  const ofAccessToken = (_ctx: unknown, { clientId, aud }: { clientId?: string | undefined; aud?: unknown }) =>
    accessToken(clientId, apiByResource.get(String(aud)));
  const ofClient = (name: 'idToken' | 'refreshToken') => (_ctx: unknown, _token: unknown, client: OfClient) =>
    ofClients.get(client?.clientId ?? '')?.[name] ?? lifetimes[name];

  return {
    accessToken,
    longestSigned: Math.max(
      OTHER_JWTS,
      lifetimes.idToken,
      ...apis.map((api) => api.accessTokenLifetime),
      ...[...ofClients.values()].flatMap((own) => [own.accessToken ?? 0, own.idToken ?? 0]),
    ),
    ttl: {
      AccessToken: ofAccessToken,
      ClientCredentials: ofAccessToken,
      AuthorizationCode: lifetimes.authorizationCode,
      BackchannelAuthenticationRequest: (ctx) => backchannelRequestLifetime(ctx, lifetimes),
      DeviceCode: lifetimes.deviceCode,
      IdToken: ofClient('idToken'),
      Interaction: lifetimes.interaction,
      RefreshToken: ofClient('refreshToken'),
      Session: lifetimes.session,
      Grant: lifetimes.grant,
    },
  };
}

type OfClient = { readonly clientId?: string } | undefined;

/** A client may ask for less (CIBA Core section 7.1). */
function backchannelRequestLifetime(ctx: KoaContextWithOIDC | undefined, lifetimes: LifetimeConfig): number {
  return Math.min(
    lifetimes.backchannelRequest,
    Number(ctx?.oidc?.params?.requested_expiry ?? lifetimes.backchannelRequest),
  );
}
