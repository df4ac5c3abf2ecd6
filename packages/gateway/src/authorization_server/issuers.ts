import type { Log } from '@tallystick/common';
import { createRemoteJwks, type RemoteJwks } from '@tallystick/resource-server';
import type { GatewayConfig } from '../config/config.ts';
import type { IssuerConfig, JwtConfig } from '../config/issuer.ts';
import type { IntrospectionOutcome, Metrics } from '../operations/metrics.ts';
import type { ProtectedRoute } from '../routes/route.ts';
import { createDiscoveringFetch, metadataUrls } from './discovering_fetch.ts';
import { createIntrospection, type Introspect, type Introspection } from './introspect.ts';

/** An authorization server whose tokens the gateway accepts. */
export interface Issuer {
  readonly issuer: string;
  readonly jwks: RemoteJwks;
  /** Undefined when the gateway does not introspect there. */
  readonly introspection: Introspection | undefined;
  /** The gateway's own client there. */
  readonly clientId: string | undefined;
  /** Whether the introspection of a token must name the API. */
  readonly audienceIs: 'required' | 'optional';
  /** Whether an introspection without `aud` must say that it is about an access token. */
  readonly tokenTypeIs: 'required' | 'optional';
  /** Undefined for an issuer whose JWTs follow RFC 9068. */
  readonly jwts: JwtConfig | undefined;
  readonly scopeClaims: readonly string[];
}

/** By issuer identifier. */
export type Issuers = ReadonlyMap<string, Issuer>;

/** The keys of every authorization server that routes may name, by issuer identifier. */
export type Keys = ReadonlyMap<string, RemoteJwks>;

/** The gateway's own issuer follows RFC 9068, so it has no settings for JWTs. */
type KnownIssuer = Omit<IssuerConfig, 'jwts'> & { readonly jwts: JwtConfig | undefined };

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

/** Fetches the keys before the first request needs them. Then `jwt` and `split` need no call to the authorization server. */
export function fetchKeys(keys: Keys, log: Log): void {
  for (const [issuer, jwks] of keys) {
    jwks
      .refresh()
      .catch((error: Error) =>
        log.warn(
          { issuer, reason: error.message },
          'the keys could not be fetched; the next request that needs them tries again',
        ),
      );
  }
}

export interface IssuerDependencies {
  /** Of all issuers. */
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

function createIssuer(config: KnownIssuer, timeout: number, { keys, metrics, ...others }: IssuerDependencies): Issuer {
  const { issuer, introspectionEndpoint: endpoint, client, introspection: options, jwts, scopeClaims } = config;
  const jwks = keys.get(issuer);
  if (jwks === undefined) throw new TypeError(`the keys of ${issuer} are missing`);
  const introspection =
    endpoint && client
      ? withMetrics(
          createIntrospection(
            { ...options, endpoint, issuer, client, timeout, scopeClaims, algorithms: jwts?.algorithms },
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
    audienceIs: options.audience,
    tokenTypeIs: options.insecureMissingTokenType ? 'optional' : 'required',
    jwts,
    scopeClaims,
  };
}

function withMetrics(
  introspection: Introspection,
  issuer: string,
  metrics: IssuerDependencies['metrics'],
): Introspection {
  if (metrics === undefined) return introspection;
  const introspect: Introspect = async (lookup) => {
    const began = performance.now();
    const record = (outcome: IntrospectionOutcome) =>
      metrics.introspected(issuer, outcome, (performance.now() - began) / 1000);
    try {
      const answer = await introspection.introspect(lookup);
      record(answer === undefined ? 'inactive' : 'active');
      return answer;
    } catch (error) {
      record('failed');
      throw error;
    }
  };
  return { ...introspection, introspect };
}

/** Every authorization server that routes may name. The gateway's own one comes first. */
function allIssuers(config: GatewayConfig): readonly KnownIssuer[] {
  const { issuer, authorizationServer, client, introspection, issuers } = config;
  const { jwksUri, introspectionEndpoint } = authorizationServer;
  return [
    { issuer, jwksUri, introspectionEndpoint, client, introspection, jwts: undefined, scopeClaims: ['scope'] },
    ...issuers,
  ];
}

/** @throws {TypeError} when the route names an unknown issuer */
export function issuerOf(issuers: Issuers, { prefix, issuer: name }: ProtectedRoute): Issuer {
  const issuer = issuers.get(name);
  if (issuer === undefined)
    throw new TypeError(`route ${prefix}: unknown issuer ${name}; it must be one of the configured issuers`);
  return issuer;
}
