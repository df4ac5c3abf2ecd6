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
}

export interface ClientConfig {
  readonly id: string;
  /** Absent for a public client. */
  readonly secret?: string;
  readonly name?: string;
  readonly grants: readonly ('authorization_code' | 'client_credentials' | 'refresh_token')[];
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  /** Whether the client may call the introspection endpoint. */
  readonly introspects: boolean;
  /**
   * Signs users in and consents for them without a page: the user of the request's `login_hint`, or else this one. A
   * request with `prompt=login` or `prompt=consent` still shows the page.
   */
  readonly automaticLogin?: { readonly user?: string };
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
}
