import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig, LifetimeConfig } from '../config/config.ts';

/** Lifetime in seconds of JWTs for which oidc-provider has no setting: logout tokens and JARM responses. */
const FIXED_JWT_LIFETIME = 120;

type Configured = Pick<AuthorizationServerConfig, 'lifetimes' | 'apis' | 'clients' | 'permissive'>;

/** Lifetimes of everything that is issued, in seconds. */
export interface Lifetimes {
  /** The lifetime of a client's access token for an API, or for userinfo without an API. */
  accessToken(clientId: string | undefined, api: ApiConfig | undefined): number;
  /** The longest lifetime of anything that a signing key signs. */
  readonly longestSigned: number;
  /** oidc-provider's `ttl`. */
  readonly ttl: NonNullable<Configuration['ttl']>;
}

/** The lifetimes of a client override those of the API, and these override the general ones. */
export function createLifetimes({ lifetimes, apis, clients, permissive }: Configured): Lifetimes {
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));
  const clientLifetimes = new Map(clients.map((client) => [client.id, client.lifetimes ?? {}]));

  function accessToken(clientId: string | undefined, api: ApiConfig | undefined): number {
    return clientLifetimes.get(clientId ?? '')?.accessToken ?? api?.accessTokenLifetime ?? lifetimes.accessToken;
  }

  const accessTokenLifetime = (_ctx: unknown, { clientId, aud }: { clientId?: string | undefined; aud?: unknown }) =>
    accessToken(clientId, apiByResource.get(String(aud)));
  const clientLifetime = (name: 'idToken' | 'refreshToken') => (_ctx: unknown, _token: unknown, client: ClientId) =>
    clientLifetimes.get(client?.clientId ?? '')?.[name] ?? lifetimes[name];

  return {
    accessToken,
    longestSigned: Math.max(
      FIXED_JWT_LIFETIME,
      lifetimes.idToken,
      permissive ? lifetimes.accessToken : 0,
      ...apis.map((api) => api.accessTokenLifetime),
      ...[...clientLifetimes.values()].flatMap((own) => [own.accessToken ?? 0, own.idToken ?? 0]),
    ),
    ttl: {
      AccessToken: accessTokenLifetime,
      ClientCredentials: accessTokenLifetime,
      AuthorizationCode: lifetimes.authorizationCode,
      BackchannelAuthenticationRequest: (ctx) => backchannelRequestLifetime(ctx, lifetimes),
      DeviceCode: lifetimes.deviceCode,
      IdToken: clientLifetime('idToken'),
      Interaction: lifetimes.interaction,
      RefreshToken: clientLifetime('refreshToken'),
      Session: lifetimes.session,
      Grant: lifetimes.grant,
    },
  };
}

type ClientId = { readonly clientId?: string } | undefined;

/** A client may request a shorter lifetime (CIBA Core section 7.1). */
function backchannelRequestLifetime(ctx: KoaContextWithOIDC | undefined, lifetimes: LifetimeConfig): number {
  return Math.min(
    lifetimes.backchannelRequest,
    Number(ctx?.oidc?.params?.requested_expiry ?? lifetimes.backchannelRequest),
  );
}
