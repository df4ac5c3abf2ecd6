import type { AccessTokenStyle } from './access_token_style.ts';

/** A path prefix, the API behind it, and what a call needs. */
export interface RouteConfig {
  /** Matches the path itself and everything below it, by whole segments: `/split` matches `/split/a`, not `/splitter`. */
  readonly prefix: string;
  /** Origin of the API, for example `http://localhost:4200`. The path goes there byte for byte. */
  readonly upstream: string;
  /** Resource indicator (RFC 8707) of the API: the `aud` that a JWT must have. */
  readonly resource: string;
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
  };
  /** Scheme and authority under which clients reach the gateway; for `resource_metadata` (RFC 9728). */
  readonly publicUrl?: string;
}
