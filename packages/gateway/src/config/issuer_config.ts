import type { InsecureJwtType } from '@tallystick/resource-server';
import type { JWK } from 'jose';

/** An authorization server whose tokens some APIs take. */
export interface IssuerConfig {
  /** Issuer identifier: the `iss` that a JWT must have. */
  readonly issuer: string;
  /** Default: where the metadata of the issuer says (RFC 8414). */
  readonly jwksUri?: string;
  /** RFC 7662. Needed for `phantom`, and for `split` with `onMiss: introspect`. */
  readonly introspectionEndpoint?: string;
  /** The gateway's own client there; it may introspect. */
  readonly client?: IntrospectionClient;
  /** How it is asked. Default: with `Accept: application/jwt`. */
  readonly introspection?: IntrospectionConfig;
  /** How its JWTs differ from RFC 9068. Default: not at all. */
  readonly jwts?: JwtConfig;
  /** Claims that hold scopes, as text or a list, in its JWTs and introspection answers; put together. Default: `scope`. */
  readonly scopeClaims?: readonly string[];
}

/** The gateway's own client at an authorization server, by how it authenticates (RFC 7662 section 2.1). */
export type IntrospectionClient = ClientWithSecret | ClientWithKey | ClientWithCertificate;

/** HTTP Basic (RFC 6749 section 2.3.1). */
export interface ClientWithSecret {
  readonly id: string;
  readonly secret: string;
}

/** `private_key_jwt` (RFC 7523 section 2.2). */
export interface ClientWithKey {
  readonly id: string;
  /** PEM (PKCS #8) or JWK, as text. */
  readonly privateKey: string;
  /** JWS algorithm. Default: what goes with the key, such as ES256 for P-256; PS256 for RSA. */
  readonly algorithm?: string;
  /** The `kid` of the assertions. Default: that of the JWK, if it has one. */
  readonly keyId?: string;
}

/** A client certificate, signed by an authority or self-signed (RFC 8705 section 2). */
export interface ClientWithCertificate {
  readonly id: string;
  /** PEM. */
  readonly certificate: string;
  /** Its private key, PEM. */
  readonly key: string;
  /** CAs that the authorization server's own certificate may come from, PEM. Default: the usual ones. */
  readonly ca?: string;
}

/** The media types in which an introspection answer may come. */
export type IntrospectionMediaType = 'application/jwt' | 'application/token-introspection+jwt' | 'application/json';

/** How an authorization server is asked about tokens. */
export interface IntrospectionConfig {
  /**
   * `application/jwt` (default) is the JWT itself, `application/token-introspection+jwt` RFC 9701, `application/json` RFC 7662.
   * For the last two the gateway makes the JWT, unless the answer brings one as `phantom_token` or `jwt`. For the first, JSON that brings
   * one will do.
   */
  readonly accept?: IntrospectionMediaType;
  /** Seconds that an answer may be cached, in place of what its `Cache-Control` says. */
  readonly maxAge?: number;
  /** Whether a JSON or RFC 9701 answer must name the API, or the gateway's client, as `aud`. Default: `required`. */
  readonly audience?: 'required' | 'optional';
  /**
   * With an optional `audience`: takes answers that do not say either that the token is an access token (`token_type`, `token_use`). Refresh
   * tokens then pass for access tokens, where a server introspects them. Default: false.
   */
  readonly insecureMissingTokenType?: boolean;
  /** Introspections under way at one time. Default: 64. */
  readonly maxConcurrent?: number;
  /** Those that wait for their turn; past it, the client that sent most is answered 503. Default: 1000. */
  readonly maxWaiting?: number;
  /** When an authorization server that is down is left alone. Default: after 10 failures in a row, for 2000 ms. */
  readonly circuitBreaker?: CircuitBreakerConfig;
}

export interface CircuitBreakerConfig {
  /** Failures in a row that open it; with 0 it never opens. */
  readonly failures: number;
  /** Milliseconds that it stays open; then one introspection finds out. */
  readonly pause: number;
}

/** How the gateway makes JWTs of its own where the authorization server has none to give. */
export interface OwnJwtConfig {
  /** The `iss` of these JWTs; APIs find the keys at `{issuer}/.well-known/jwks.json`. */
  readonly issuer: string;
  /** The private key, with `kid` and `alg`. */
  readonly signingKey: JWK;
  /** Seconds that a JWT lives at most. Default: 300. */
  readonly lifetime?: number;
}

/** What is accepted of an authorization server's JWTs that is not as RFC 9068 has it. */
export interface JwtConfig {
  /** JWS algorithms, asymmetric only. Default: `defaultJwtAlgorithms` of the resource server. */
  readonly algorithms?: readonly string[];
  /**
   * Types beside `at+jwt`. Weaker than RFC 9068 (section 4): only by its claims it can then be guessed that a JWT is no ID token.
   * Default: none.
   */
  readonly insecureTypes?: readonly InsecureJwtType[];
  /**
   * Takes JWTs whose `aud` is absent or empty. Weaker than RFC 9068 (section 4): every access token of the issuer is then one for each of
   * the routes that name it. Default: false.
   */
  readonly insecureMissingAudience?: boolean;
}
