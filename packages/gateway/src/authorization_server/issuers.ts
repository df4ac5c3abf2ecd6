import type { Log } from '@tallystick/common';
import { createRemoteJwks, type RemoteJwks } from '@tallystick/resource-server';
import type { GatewayConfig } from '../config/config.ts';
import type { IssuerConfig, JwtConfig } from '../config/issuer_config.ts';
import type { IntrospectionOutcome, Metrics } from '../operations/metrics.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import { createDiscoveringFetch, metadataUrls } from './discovering_fetch.ts';
import { createIntrospection, type Introspect, type Introspection } from './introspect.ts';

/** An authorization server, as the gateway deals with it. */
export interface Issuer {
  readonly issuer: string;
  readonly jwks: RemoteJwks;
  /** Undefined when it is not to be asked. */
  readonly introspection: Introspection | undefined;
  /** The gateway's own client there. */
  readonly clientId: string | undefined;
  /** Whether what it says of a token must name the API. */
  readonly audienceIs: 'required' | 'optional';
  readonly tokenTypeIs: 'required' | 'optional';
  readonly jwts: JwtConfig;
  readonly scopeClaims: readonly string[];
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
    allIssuers(config).map(({ issuer, jwksUri }) => {
      const [uri, get] =
        jwksUri === undefined ? [metadataUrls(issuer)[0], createDiscoveringFetch(issuer, fetch)] : [jwksUri, fetch];
      return [issuer, createRemoteJwks({ uri, timeout, ...config.jwks }, { fetch: get, now })];
    }),
  );
}

/** With the keys at hand before the first request needs them, `jwt` and `split` do without the authorization server. */
export function fetchKeys(keys: Keys, log: Log): void {
  for (const [issuer, jwks] of keys) {
    jwks
      .refresh()
      .catch((error: Error) => log.warn({ issuer, reason: error.message }, 'the keys could not be fetched yet'));
  }
}

export interface IssuerDependencies {
  /** Of all of them. */
  readonly keys: Keys;
  readonly fetch: typeof globalThis.fetch;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly metrics?: Pick<Metrics, 'introspected'> | undefined;
  /** The proxy for calls with a client certificate. Default: none. */
  readonly proxyFor?: ((url: string) => string | undefined) | undefined;
}

/** @throws {TypeError} for a client whose key or certificate cannot be used */
export function createIssuers(config: GatewayConfig, dependencies: IssuerDependencies): Issuers {
  const timeout = config.timeouts.authorizationServer;
  return new Map(
    allIssuers(config).map((issuer, index) => {
      try {
        return [issuer.issuer, createIssuer(issuer, timeout, dependencies)];
      } catch (error) {
        if (index === 0 || !(error instanceof TypeError)) throw error;
        throw new TypeError(`issuers[${index - 1}].${error.message}`);
      }
    }),
  );
}

function createIssuer(config: IssuerConfig, timeout: number, { keys, metrics, ...others }: IssuerDependencies): Issuer {
  const { issuer, introspectionEndpoint: endpoint, client, introspection: asked = {} } = config;
  const { jwts = {}, scopeClaims = ['scope'] } = config;
  const jwks = keys.get(issuer);
  if (jwks === undefined) throw new TypeError(`the keys of ${issuer} are missing`);
  const introspection =
    endpoint && client
      ? timed(
          createIntrospection(
            { ...asked, endpoint, issuer, client, timeout, scopeClaims, algorithms: jwts.algorithms },
            { jwks, ...others },
          ),
          issuer,
          metrics,
        )
      : undefined;
  return {
    issuer,
    jwks,
    introspection,
    clientId: client?.id,
    audienceIs: asked.audience ?? 'required',
    tokenTypeIs: asked.insecureMissingTokenType ? 'optional' : 'required',
    jwts,
    scopeClaims,
  };
}

function timed(introspection: Introspection, issuer: string, metrics: IssuerDependencies['metrics']): Introspection {
  if (metrics === undefined) return introspection;
  const introspect: Introspect = async (lookup) => {
    const began = performance.now();
    const over = (outcome: IntrospectionOutcome) =>
      metrics.introspected(issuer, outcome, (performance.now() - began) / 1000);
    try {
      const answer = await introspection.introspect(lookup);
      over(answer === undefined ? 'inactive' : 'active');
      return answer;
    } catch (error) {
      over('failed');
      throw error;
    }
  };
  return { ...introspection, introspect };
}

/** Every authorization server that routes may name; the gateway's own comes first. */
function allIssuers(config: GatewayConfig): readonly IssuerConfig[] {
  const { issuer, authorizationServer, client, introspection = {}, issuers = [] } = config;
  return [{ issuer, ...authorizationServer, client, introspection }, ...issuers];
}

/** @throws {TypeError} when there is none of this name */
export function issuerOf(issuers: Issuers, { prefix, issuer: name }: ProtectedRoute): Issuer {
  const issuer = issuers.get(name);
  if (issuer === undefined) throw new TypeError(`route ${prefix}: ${name} is none of the issuers`);
  return issuer;
}
