import { createRemoteJwks, type RemoteJwks } from '@tallystick/resource-server';
import type { GatewayConfig, IssuerConfig } from './config.ts';
import { createIntrospect, type Introspect } from './resolve/introspect.ts';
import type { ProtectedRoute } from './route.ts';

/** An authorization server, as the gateway deals with it. */
export interface Issuer {
  readonly issuer: string;
  readonly jwks: RemoteJwks;
  /** Undefined when it is not to be asked. */
  readonly introspect: Introspect | undefined;
}

/** By issuer identifier. */
export type Issuers = ReadonlyMap<string, Issuer>;

/** The keys of every authorization server that routes may name, by issuer identifier. */
export type Keys = ReadonlyMap<string, RemoteJwks>;

export interface KeyDependencies {
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createKeys(config: GatewayConfig, { fetch, now }: KeyDependencies): Keys {
  const timeout = config.timeouts.authorizationServer;
  return new Map(
    allIssuers(config).map(({ issuer, jwksUri: uri }) => [
      issuer,
      createRemoteJwks({ uri, timeout, ...config.jwks }, { fetch, now }),
    ]),
  );
}

export interface IssuerDependencies {
  /** Of all of them. */
  readonly keys: Keys;
  readonly fetch: typeof globalThis.fetch;
}

export function createIssuers(config: GatewayConfig, { keys, fetch }: IssuerDependencies): Issuers {
  const timeout = config.timeouts.authorizationServer;
  return new Map(
    allIssuers(config).map(({ issuer, introspectionEndpoint: endpoint, client }) => {
      const jwks = keys.get(issuer);
      if (jwks === undefined) throw new TypeError(`the keys of ${issuer} are missing`);
      const introspect = endpoint && client ? createIntrospect({ endpoint, client, timeout }, { fetch }) : undefined;
      return [issuer, { issuer, jwks, introspect }];
    }),
  );
}

/** Every authorization server that routes may name; the gateway's own comes first. */
function allIssuers({ issuer, authorizationServer, client, issuers = [] }: GatewayConfig): readonly IssuerConfig[] {
  return [{ issuer, ...authorizationServer, client }, ...issuers];
}

/** @throws {TypeError} when there is none of this name */
export function issuerOf(issuers: Issuers, { prefix, issuer: name }: ProtectedRoute): Issuer {
  const issuer = issuers.get(name);
  if (issuer === undefined) throw new TypeError(`route ${prefix}: ${name} is none of the issuers`);
  return issuer;
}
