import type { GrantName } from '../grants/grant_types.ts';

/** How an API's access tokens are served: what the client holds, and how it becomes what the API gets. */
export type AccessTokenStyle = 'jwt' | 'opaque' | 'phantom' | 'split';

/** A JWS algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1). */
export type SigningAlgorithm = 'ES256' | 'RS256' | 'PS256' | 'EdDSA';

export interface ApiConfig {
  /** Resource indicator (RFC 8707), an absolute URI. */
  readonly resource: string;
  /** The `aud` of its tokens, one or several (RFC 9068 section 3). Default: the resource indicator. */
  readonly audience?: string | readonly string[] | undefined;
  readonly style: AccessTokenStyle;
  readonly scopes: readonly string[];
  /** Seconds. */
  readonly accessTokenLifetime: number;
  /**
   * What goes into this API's access tokens: names of user claims, or names of claims each with a JSON pointer (RFC 6901)
   * to its value in `{ user: { id, … }, client: { id, name, … } }`.
   */
  readonly claims: readonly string[] | { readonly [claim: string]: string };
  /** Types of `authorization_details` that this API understands (RFC 9396). */
  readonly authorizationDetailsTypes: readonly string[];
  /** JWS algorithm of its JWTs. Default: that of the authorization server. */
  readonly signingAlgorithm?: SigningAlgorithm | undefined;
  /** Encrypts the API's `jwt` access tokens for it (RFC 9068 section 5). */
  readonly encryption?: AccessTokenEncryption;
}

export interface AccessTokenEncryption {
  /** JWE algorithm for the key (RFC 7518 section 4.1), such as `ECDH-ES` or `RSA-OAEP-256`. */
  readonly alg: string;
  /** JWE algorithm for the content (RFC 7518 section 5.1), such as `A256GCM`. */
  readonly enc: string;
  /** The API's public key. */
  readonly jwk: { readonly [name: string]: unknown };
}

export interface ClientConfig {
  readonly id: string;
  /** Absent for a public client. */
  readonly secret?: string;
  readonly name?: string;
  readonly grants: readonly GrantName[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Seconds, where the client's differ from those of the API and of `lifetimes`. */
  readonly lifetimes?: Partial<Pick<LifetimeConfig, 'accessToken' | 'idToken' | 'refreshToken'>>;
  /** Of no meaning to the server; for the claims of access tokens. */
  readonly data?: { readonly [name: string]: unknown };
  /**
   * Whether the client may call the introspection endpoint; or the resource indicators of the APIs whose access tokens it may
   * ask about there. Of others it is told that they are not active.
   */
  readonly introspects: boolean | readonly string[];
  /**
   * Signs users in and consents for them without a page: the user of the request's `login_hint`, or else this one. A
   * request with `prompt=login` or `prompt=consent` still shows the page.
   */
  readonly automaticLogin?: { readonly user?: string };
  /** What the client may do with the token exchange grant. */
  readonly tokenExchange?: TokenExchangeConfig | undefined;
  /** Further metadata by its RFC 7591 names: `jwks`, `token_endpoint_auth_method`, `dpop_bound_access_tokens`, … */
  readonly metadata?: { readonly [name: string]: unknown };
}

export interface TokenExchangeConfig {
  /** Resource indicators of the APIs that the client is: it may exchange the tokens that reach it there. */
  readonly from: readonly string[];
  /** Resource indicators of the APIs that it may get tokens for. */
  readonly to: readonly string[];
  /** Scopes that it may add to those of the subject token. */
  readonly scopes: readonly string[];
  /** Whether it may leave out the `actor_token`, and so get a token that does not tell who acts. */
  readonly impersonates: boolean;
}

/** How long what is issued lives. All in seconds. */
export interface LifetimeConfig {
  /** An access token for userinfo, which is for no API. */
  readonly accessToken: number;
  readonly authorizationCode: number;
  /** From its last rotation on. */
  readonly refreshToken: number;
  readonly idToken: number;
  /** A user's sign-in at the authorization server. */
  readonly session: number;
  /** A user's consent, and with it every refresh and reference token issued under it. */
  readonly grant: number;
  readonly deviceCode: number;
  /** A backchannel authentication request, unless the client asks for less. */
  readonly backchannelRequest: number;
  /** The time that a user has to sign in and consent. Sessions in which nobody has signed in do not live longer. */
  readonly interaction: number;
  /** A client that registered itself and was never issued a token. */
  readonly unusedRegistration: number;
}

/**
 * Seconds after its use in which a code or refresh token that is presented again is only refused; later, all that was issued under its
 * grant is revoked.
 */
export interface ReuseGraceConfig {
  /** Of authorization codes, device codes and backchannel requests. 0: none. */
  readonly code: number;
  /** 0: none. */
  readonly refreshToken: number;
}

/** The parts of the protocol that can be switched off; discovery says what is on. */
export interface FeatureConfig {
  /** RFC 9126. */
  readonly pushedAuthorizationRequests: boolean;
  /** RFC 9101 (JAR). */
  readonly requestObjects: boolean;
  /** JARM. */
  readonly jwtResponseModes: boolean;
  /** RFC 9396 (RAR). */
  readonly authorizationDetails: boolean;
  /** OpenID Connect Core section 5.5. */
  readonly claimsParameter: boolean;
  /** RFC 9449. */
  readonly dpop: boolean;
  /** RFC 8628. */
  readonly deviceFlow: boolean;
  /** Client-Initiated Backchannel Authentication, poll and ping. */
  readonly ciba: boolean;
  /** Dynamic client registration and its management (RFC 7591, RFC 7592); anyone may register. */
  readonly clientRegistration: boolean;
  /** A client identifier that is the https URL of the client's metadata. */
  readonly clientIdMetadataDocuments: boolean;
  /** Clients with `subject_type: pairwise` get subjects of their own (OpenID Connect Core section 8.1). */
  readonly pairwiseSubjects: boolean;
  /** OpenID Connect Back-Channel Logout. */
  readonly backChannelLogout: boolean;
  /** RFC 8705: clients authenticate with certificates, tokens are bound to them. */
  readonly mutualTls: boolean;
}

export interface UserConfig {
  /** The `sub`, and what is typed or picked at the login page. */
  readonly id: string;
  /** Standard OpenID Connect claims and any others: `name`, `email`, `role`, … */
  readonly claims: { readonly [name: string]: unknown };
  /** For the password grant only. */
  readonly password?: string | undefined;
}

/** An authority whose assertions about users are good for access tokens (RFC 7523 section 2.1). */
export interface TrustedIssuerConfig {
  /** The `iss` of its assertions. */
  readonly issuer: string;
  /** Its keys (RFC 7517 section 5), or where they are. */
  readonly jwks?: { readonly keys: readonly object[] } | undefined;
  readonly jwksUri?: string | undefined;
  /** JWS algorithms of its assertions. */
  readonly algorithms: readonly string[];
  /** Its names for users, each with the user here. Default: its names are those here. */
  readonly subjects?: { readonly [sub: string]: string } | undefined;
}

export interface AuthorizationServerConfig {
  /** Issuer identifier, without a trailing slash. The same however the server is reached. */
  readonly issuer: string;
  /** Origin at which those reach it that cannot reach the issuer's. */
  readonly backChannelUrl?: string | undefined;
  /** Protects cookies and the signing keys at rest; the same in every process on one store. At least 32 characters. */
  readonly secret: string;
  readonly apis: readonly ApiConfig[];
  readonly clients: readonly ClientConfig[];
  readonly users: readonly UserConfig[];
  readonly lifetimes: LifetimeConfig;
  readonly reuseGrace: ReuseGraceConfig;
  /** JWS algorithm of ID tokens and JWT access tokens, unless a client or an API has its own. */
  readonly signingAlgorithm: SigningAlgorithm;
  /** The private key that signs first with it on a store that has no keys yet, as PEM (PKCS #8) or JWK. Default: a new one. */
  readonly signingKey?: string;
  readonly trustedIssuers?: readonly TrustedIssuerConfig[];
  /** Whether users may be asked for their password by a client (RFC 6749 section 4.3). For tests of old clients only. */
  readonly insecurePasswordGrant?: boolean;
  /** Whether clients that registered themselves, or are their metadata document, may have the client_credentials grant. */
  readonly registeredClientCredentials?: boolean;
  /** Seconds that an `application/jwt` introspection answer may be cached, at most. */
  readonly introspectionMaxAge: number;
  /** Authentication context class references that a sign-in can have; the first unless the client asks for another. */
  readonly acrValues: readonly string[];
  /** Seconds that a device or backchannel client is told to wait between polls. */
  readonly pollingInterval: number;
  /** The header in which a TLS-terminating proxy passes the client certificate it verified; only read with `mutualTls`. */
  readonly clientCertificateHeader: string;
  /** Addresses or networks (CIDR) that such a proxy connects from. From anywhere else the header is as good as none. */
  readonly trustedProxies: readonly string[];
  readonly features: FeatureConfig;
  /**
   * Whether the server may call clients at addresses that are not public. Default: if the issuer is on http or on this
   * machine, as it is in development.
   */
  readonly callsPrivateAddresses?: boolean;
}
