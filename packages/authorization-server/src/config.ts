/** How an API's access tokens are served: what the client holds, and how it becomes what the API gets. */
export type AccessTokenStyle = 'jwt' | 'opaque' | 'phantom' | 'split';

export interface ApiConfig {
  /** Resource indicator (RFC 8707), an absolute URI; it is the JWT's `aud`. */
  readonly resource: string;
  readonly style: AccessTokenStyle;
  readonly scopes: readonly string[];
  /** Seconds. */
  readonly accessTokenLifetime: number;
  /** User claims that go into this API's access tokens. */
  readonly claims: readonly string[];
  /** Types of `authorization_details` that this API understands (RFC 9396). */
  readonly authorizationDetailsTypes: readonly string[];
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

export type GrantType =
  | 'authorization_code'
  | 'client_credentials'
  | 'refresh_token'
  | 'urn:ietf:params:oauth:grant-type:device_code'
  | 'urn:openid:params:grant-type:ciba';

export interface ClientConfig {
  readonly id: string;
  /** Absent for a public client. */
  readonly secret?: string;
  readonly name?: string;
  readonly grants: readonly GrantType[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Whether the client may call the introspection endpoint. */
  readonly introspects: boolean;
  /** Further metadata by its RFC 7591 names: `jwks`, `token_endpoint_auth_method`, `dpop_bound_access_tokens`, … */
  readonly metadata?: { readonly [name: string]: unknown };
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
}

export interface AuthorizationServerConfig {
  /** Issuer identifier, without a trailing slash. The same however the server is reached. */
  readonly issuer: string;
  /** Protects cookies and the signing keys at rest; the same in every process on one store. At least 32 characters. */
  readonly secret: string;
  readonly apis: readonly ApiConfig[];
  readonly clients: readonly ClientConfig[];
  readonly users: readonly UserConfig[];
  /** JWS algorithm of ID tokens and JWT access tokens. */
  readonly signingAlgorithm: 'ES256' | 'RS256' | 'PS256' | 'EdDSA';
  /** Seconds that an `application/jwt` introspection answer may be cached, at most. */
  readonly introspectionMaxAge: number;
  /** Authentication context class references that a sign-in can have; the first unless the client asks for another. */
  readonly acrValues: readonly string[];
  /** Seconds that a device or backchannel client is told to wait between polls. */
  readonly pollingInterval: number;
  /** The header in which a TLS-terminating proxy passes the client certificate it verified; only read with `mutualTls`. */
  readonly clientCertificateHeader: string;
  readonly features: FeatureConfig;
}
