import type { RequiredScopes } from '@tallystick/resource-server';
import type { DecisionEndpointConfig } from '../forward_auth/config.ts';
import type { CorsConfig } from '../http/cors.ts';
import type { RewriteConfig } from '../routes/rewrite.ts';
import type { RewriteResponseConfig } from '../routes/rewrite_response.ts';
import type { UpstreamHealthConfig } from '../routes/upstream_pool.ts';
import type { UpstreamTlsConfig } from '../routes/upstream_tls.ts';
import type { TokenHandlerConfig } from '../token_handler/config.ts';
import type { IntrospectionClient, IntrospectionConfig, IssuerConfig, OwnJwtConfig } from './issuer_config.ts';

/** How an API's access tokens are served: what the client holds, and how it becomes what the API gets. */
export type AccessTokenStyle = 'jwt' | 'opaque' | 'phantom' | 'split';

/** Whether DPoP proofs must carry a nonce of the gateway (RFC 9449 section 9), which is made with `secret`. */
export type DPoPNoncePolicy = 'required' | 'off';

/** A place where calls arrive, the server behind it, and what a call needs. */
export type RouteConfig = ProtectedRouteConfig | PublicRouteConfig;

interface AnyRouteConfig {
  /**
   * The `Host` that clients ask for, without a port: `api.example.com`, or `*.example.com` for every name below that one.
   * The most specific host decides before the prefix does. Default: any.
   */
  readonly host?: string;
  /** Matches the path itself and everything below it, by whole segments: `/split` matches `/split/a`, not `/splitter`. */
  readonly prefix: string;
  /** Origin of the API, for example `http://localhost:4200`; or several, which take turns. The path goes there byte for byte. */
  readonly upstream: string | readonly string[];
  /** Replaces the prefix in the path that the API sees. Default: it stays. */
  readonly rewrite?: RewriteConfig;
  /** Default: the response stays as it is. */
  readonly rewriteResponse?: RewriteResponseConfig;
  /** The API gets the `Host` that the client sent. Default: false, it gets that of the upstream. */
  readonly preserveHost?: boolean;
  /** For upstreams on https. Default: the gateway trusts whom it trusts otherwise, and shows no certificate. */
  readonly upstreamTls?: UpstreamTlsConfig;
  /** Default: the gateway's. */
  readonly upstreamHealth?: UpstreamHealthConfig;
  /** Default: the gateway's. */
  readonly cors?: CorsConfig;
  /** Default: the gateway's. */
  readonly limits?: LimitsConfig;
  /** Milliseconds. Default: the gateway's. */
  readonly timeouts?: { readonly upstream?: number };
}

/** How large what is passed on may be, in bytes. */
export interface LimitsConfig {
  /** The largest request body. Default: any. */
  readonly maxBodyBytes?: number;
  /** All headers of an API's response together. Default: 65,536, as much as those of a request. */
  readonly maxResponseHeaderBytes?: number;
}

/** A path prefix at which an API is served. */
export interface ProtectedRouteConfig extends AnyRouteConfig {
  readonly public?: false;
  /** Resource indicator (RFC 8707) of the API. */
  readonly resource: string;
  /** The `aud` that a token must have, any text; of several, one. Default: `resource`. */
  readonly audience?: string | readonly string[];
  /** Which of the `issuers` issues the tokens. Default: the gateway's own `issuer`. */
  readonly issuer?: string;
  readonly style: AccessTokenStyle;
  /**
   * What a client-held token looks like: a regular expression for all of it. Default: base64url of a plausible length for the gateway's
   * own issuer, anything for others.
   */
  readonly tokenPattern?: string;
  /** Scopes by method; `*` stands for every method not named. A list stands for all of them, `{ anyOf }` for one. */
  readonly scopes: { readonly [method: string]: RequiredScopes };
  /** What a `split` lookup that finds nothing does. Default: `refuse`. */
  readonly onMiss?: 'refuse' | 'introspect';
  /** The API's access tokens come in this cookie. Default: they come in `Authorization`. */
  readonly tokenCookie?: {
    readonly name: string;
    /** Origins of pages, beside the gateway's own, that may call. */
    readonly origins: readonly string[];
    /** Header that such pages send with every call. */
    readonly csrfHeader: string;
  };
  /**
   * A WebSocket's handshake may have the access token in a subprotocol that begins so and ends with the token; the prefix ends with a dot, as
   * `access_token.` does. Default: it comes in `Authorization` only.
   */
  readonly tokenSubprotocol?: string;
  /**
   * What is done with a query that has `access_token`. `forward` is for APIs with a parameter of that name for a purpose of their own: it is
   * no credential here. Default: `refuse`.
   */
  readonly accessTokenInQuery?: 'refuse' | 'forward';
  /** What is peculiar to tokens that are bound to a DPoP key (RFC 9449). */
  readonly dpop?: {
    /** The API takes no other tokens. Default: it does. */
    readonly required?: boolean;
    /**
     * The API gets the token under the scheme DPoP, together with the proof, so that it can check for itself, and the client's
     * certificate as `Client-Cert` (RFC 9440), where the gateway looks at certificates; not for `phantom`, whose proof is about
     * what the API never sees. Default: the gateway's check is the only one, except for `opaque`.
     */
    readonly forward?: boolean;
    /** Default: that of the gateway. */
    readonly nonce?: DPoPNoncePolicy;
  };
}

/** A path prefix that is served to anyone. No token is looked at, and none is passed on. */
export interface PublicRouteConfig extends AnyRouteConfig {
  readonly public: true;
}

export interface GatewayConfig {
  /** Issuer identifier: the `iss` that a JWT must have. */
  readonly issuer: string;
  /** The authorization server's endpoints, as reached from the gateway (back channel). */
  readonly authorizationServer: { readonly introspectionEndpoint: string; readonly jwksUri: string };
  /** The gateway's own client at the authorization server; it may introspect. */
  readonly client: IntrospectionClient;
  /** How the authorization server is asked about tokens. Default: with `Accept: application/jwt`. */
  readonly introspection?: IntrospectionConfig;
  /** For authorization servers that have no JWTs to give: the gateway then makes them. */
  readonly ownJwts?: OwnJwtConfig;
  /** Further authorization servers, for the routes that name them. */
  readonly issuers?: readonly IssuerConfig[];
  readonly routes: readonly RouteConfig[];
  readonly cache: {
    readonly maxEntries: number;
    /** Roughly, of what the entries hold. Default: 64 MiB. */
    readonly maxBytes?: number;
    /** Seconds; a JWT is cached for the least of this, the answer's `max-age` and the token's remaining life. */
    readonly maxAge: number;
    readonly negative: {
      readonly maxEntries: number;
      /** Default: 1 MiB. */
      readonly maxBytes?: number;
      /** Seconds. */
      readonly maxAge: number;
    };
    /**
     * Whether gateways on the store share the JWTs of phantom tokens of the gateway's own issuer, sealed under the client-held
     * token. Default: false.
     */
    readonly shared?: boolean;
  };
  /** When an upstream that does not answer is left alone. */
  readonly upstreamHealth?: UpstreamHealthConfig;
  /** Which web pages of other origins may call the APIs. Default: nothing is said about it, and an API may say so itself. */
  readonly cors?: CorsConfig;
  readonly limits?: LimitsConfig;
  /** All in milliseconds. */
  readonly timeouts: {
    /** Introspection and JWKS calls. */
    readonly authorizationServer: number;
    /** Connecting to an upstream, and each silence of it before the response begins. */
    readonly upstream: number;
    /** In which a client must send 1 KiB of its body, or read some of what it is sent. Default: 60,000. */
    readonly client?: number;
    /** After which a connection to an upstream serves no further request, so that a change in DNS is seen. Default: 300,000. */
    readonly upstreamConnection?: number;
    /** Running requests, when the gateway is closed; then they are broken off. Default: 10,000. */
    readonly drain?: number;
  };
  /** How the authorization server's keys are kept. */
  readonly jwks?: {
    /** Seconds after which they are fetched anew. A key that has left the JWKS is known to be gone by then. Default: 300. */
    readonly refreshInterval?: number;
    /** Seconds after which a token with an unknown key may provoke a fetch in any case; few different ones may sooner. Default: 5. */
    readonly cooldown?: number;
  };
  /**
   * Headers in which APIs expect to be told who calls; those of a client are taken out. `*` at the end stands for any
   * rest; a character that is not a letter or digit counts as `-`. Default: `defaultIdentityHeaders`.
   */
  readonly identityHeaders?: readonly string[];
  /** WebSockets that outlive the access token that they were opened with. */
  readonly webSockets?: {
    /** Whether they are closed when it expires or is revoked. Default: true. */
    readonly closeWithToken?: boolean;
    /** The close code (RFC 6455 section 7.4): 1008, or one from 3000 to 4999. Default: 4401. */
    readonly tokenCloseCode?: number;
  };
  /** `/healthz`, `/readyz` and `/metrics` are only where `Gateway.operations` is served. Default: beside the routes. */
  readonly operationsApart?: boolean;
  /** For other gateways, which must be among the `trustedProxies`. */
  readonly decisionEndpoints?: readonly DecisionEndpointConfig[];
  /** For browser applications; their cookies are sealed under `secret`. */
  readonly tokenHandlers?: readonly TokenHandlerConfig[];
  /** What all gateways on one store share, at least 32 characters. Needed for cookies and for DPoP nonces. */
  readonly secret?: string;
  /** Scheme and authority under which clients reach the gateway; for `resource_metadata` (RFC 9728) and DPoP (RFC 9449). */
  readonly publicUrl?: string;
  /**
   * Names and addresses under which clients reach the gateway, beside localhost, loopback addresses and the hosts of routes:
   * `api.example.com`, or `*.example.com` for every name below. Without `publicUrl`, a DPoP proof for any other host is refused,
   * unless a trusted proxy tells of it.
   */
  readonly hosts?: readonly string[];
  /**
   * Whose requests for any other host are served; all others are 421. A gateway that listens on a loopback address should not
   * serve anybody's: a web page could have a name of its own point to it (DNS rebinding). Default: `anybody`.
   */
  readonly otherHosts?: 'anybody' | 'trustedProxies' | 'nobody';
  /**
   * Addresses or networks (CIDR) of the proxies that are believed what their headers say of the client. They must set these
   * headers on every request. Default: none.
   */
  readonly trustedProxies?: readonly string[];
  /** How DPoP proofs are checked (RFC 9449). */
  readonly dpop?: {
    /** JWS algorithms of proofs, asymmetric only. Default: `defaultDPoPAlgorithms` of the resource server. */
    readonly algorithms?: readonly string[];
    /** Seconds after its `iat` for which a proof without a nonce is taken. Default: 60. */
    readonly maxAge?: number;
    /** Seconds by which `iat` may be ahead. Default: 5. */
    readonly clockTolerance?: number;
    /** Default: `off`. */
    readonly nonce?: DPoPNoncePolicy;
  };
  /**
   * Takes tokens that are bound to a client certificate (RFC 8705): that of the TLS connection, or that in a header of a trusted
   * proxy. Default: such tokens are refused.
   */
  readonly clientCertificates?: {
    /** In lower case; it holds the certificate as RFC 9440 has it, or PEM in percent-encoding. */
    readonly header: string;
  };
}
