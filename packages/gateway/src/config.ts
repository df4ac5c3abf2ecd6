import type { AccessTokenStyle } from './access_token_style.ts';

/** A path prefix, the API behind it, and what a call needs. */
export interface RouteConfig {
  /** Matches the path itself and everything below it, by whole segments: `/split` matches `/split/a`, not `/splitter`. */
  readonly prefix: string;
  /** Origin of the API, for example `http://localhost:4200`. The path goes there byte for byte. */
  readonly upstream: string;
  /** Resource indicator (RFC 8707) of the API. */
  readonly resource: string;
  /** What the `aud` of a JWT must be, or contain (RFC 9068 section 4). Default: the resource indicator. */
  readonly audience?: string;
  readonly style: AccessTokenStyle;
  /** Scopes by method, all of which are needed; `*` stands for every method not named. */
  readonly scopes: { readonly [method: string]: readonly string[] };
  /** What a `split` lookup that finds nothing does. Default: `refuse`. */
  readonly onMiss?: 'refuse' | 'introspect';
}

export interface GatewayConfig {
  /** Issuer identifier: the `iss` that a JWT must have. */
  readonly issuer: string;
  /** The authorization server's endpoints, as reached from the gateway (back channel). */
  readonly authorizationServer: { readonly introspectionEndpoint: string; readonly jwksUri: string };
  /** The gateway's own client at the authorization server; it may introspect (HTTP Basic). */
  readonly client: { readonly id: string; readonly secret: string };
  readonly routes: readonly RouteConfig[];
  readonly cache: {
    readonly maxEntries: number;
    /** Seconds; a JWT is cached for the least of this, the answer's `max-age` and the token's remaining life. */
    readonly maxAge: number;
    readonly negative: { readonly maxEntries: number /** Seconds. */; readonly maxAge: number };
  };
  /** All in milliseconds. */
  readonly timeouts: {
    /** Introspection and JWKS calls. */
    readonly authorizationServer: number;
    /** Connecting to an upstream, and each silence of it before the response begins. */
    readonly upstream: number;
    /** Running requests, when the gateway is closed; then they are broken off. Default: 10,000. */
    readonly drain?: number;
  };
  /** How the authorization server's keys are kept. */
  readonly jwks?: {
    /** Seconds after which they are fetched anew. A key that has left the JWKS is known to be gone by then. Default: 300. */
    readonly refreshInterval?: number;
    /** Seconds between the fetches that tokens with an unknown key may provoke. Default: 5. */
    readonly cooldown?: number;
  };
  /**
   * Headers in which APIs expect to be told who calls; those of a client are taken out. `*` at the end stands for any
   * rest, `_` counts as `-`. Default: `defaultIdentityHeaders`.
   */
  readonly identityHeaders?: readonly string[];
  /** Scheme and authority under which clients reach the gateway; for `resource_metadata` (RFC 9728). */
  readonly publicUrl?: string;
  /**
   * Addresses or networks (CIDR) of the proxies that are believed what their headers say of the client. They must set these
   * headers on every request. Default: none.
   */
  readonly trustedProxies?: readonly string[];
}
