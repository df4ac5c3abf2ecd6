export type EndpointName = 'login' | 'callback' | 'session' | 'refresh' | 'logout';

/** What browser applications use instead of handling tokens: the token handler pattern. */
export interface TokenHandlerConfig {
  /** Begins the paths of its endpoints, for example `/oauth-agent`. */
  readonly prefix: string;
  /** Last segments of the paths of its endpoints. */
  readonly endpoints: Readonly<Record<EndpointName, string>>;
  /** Issuer identifier of the authorization server where users sign in. */
  readonly issuer: string;
  /** Origin under which the gateway reaches it, if it is not the issuer's. */
  readonly backChannelUrl?: string;
  /** The client as which the application signs users in. Without a secret it is a public one. */
  readonly client: { readonly id: string; readonly secret?: string };
  /** Resource indicator (RFC 8707) of the API that the application calls. */
  readonly resource: string;
  readonly scopes: readonly string[];
  /** Claims of the user that `session` tells the application, beside `sub`. */
  readonly claims: readonly string[];
  /** Name of the cookie with the access token, as a route's `tokenCookie.name`; its other cookies begin with it. */
  readonly cookie: string;
  readonly sameSite: 'strict' | 'lax';
  /** Seconds after which a user has to sign in again, whatever the refresh token's lifetime is. */
  readonly sessionLifetime: number;
  /** Where browsers go after login and logout: a URL, or a path on the gateway. */
  readonly application: string;
  /** Origins of pages, beside the gateway's own, that may use the endpoints. */
  readonly origins: readonly string[];
  /** Header that such pages send with every request, which no form and no link can. */
  readonly csrfHeader: string;
}

/** Names of a token handler's cookies. */
export function cookieNames({ cookie }: Pick<TokenHandlerConfig, 'cookie'>) {
  return {
    access: cookie,
    session: `${cookie}-session`,
    login: `${cookie}-login`,
  };
}
