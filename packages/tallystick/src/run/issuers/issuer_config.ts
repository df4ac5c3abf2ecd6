import type { AuthorizationServerConfig } from '@tallystick/authorization-server';
import type { Config } from '../../config/schema.ts';

export type Permissiveness = Pick<Config, 'permissive' | 'permissiveAccessTokens' | 'permissiveUser'>;

/** The configuration of one issuer. @param entries the issuer, and its APIs, clients and users */
export function authorizationServerConfig(
  config: Config,
  entries: Pick<AuthorizationServerConfig, 'issuer' | 'secret' | 'apis' | 'clients' | 'users' | keyof Permissiveness>,
): AuthorizationServerConfig {
  const { lifetimes, features, scopes, trustedIssuers, authorizationServer, tls } = config;
  // A generated certificate is only for development, so clients at private addresses are fine for any issuer.
  const callsPrivateAddresses = tls?.selfMade || undefined;
  return { ...authorizationServer, lifetimes, features, scopes, trustedIssuers, callsPrivateAddresses, ...entries };
}

export function permissivenessOf({
  permissive,
  permissiveAccessTokens,
  permissiveUser,
}: Permissiveness): Permissiveness {
  return { permissive, permissiveAccessTokens, permissiveUser };
}
