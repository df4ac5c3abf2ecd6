import { ResourceServerError, ValidationUnavailableError, ValidatorRefusedError } from '@tallystick/resource-server';
import * as oidc from 'openid-client';
import type { TokenHandlerConfig } from '../config/token_handler.ts';

export interface ClientDependencies {
  readonly fetch: typeof globalThis.fetch;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * The application's client at the authorization server, for openid-client. The metadata of the authorization server is fetched when it is
 * first needed (RFC 8414).
 *
 * @throws {ValidationUnavailableError} when the authorization server cannot be reached
 */
export type FindClient = () => Promise<oidc.Configuration>;

/** The authorization server at which users sign in. */
export interface SignInServer {
  /** Issuer identifier. */
  readonly issuer: string;
  /** Where the gateway reaches it, if that is not the issuer identifier. */
  readonly backChannelUrl: string | undefined;
  /** Milliseconds for each call. */
  readonly timeout: number;
}

export function createFindClient(
  { client: { id, secret } }: TokenHandlerConfig,
  { issuer, backChannelUrl, timeout }: SignInServer,
  { fetch, now }: ClientDependencies,
): FindClient {
  const authentication = secret === undefined ? oidc.None() : oidc.ClientSecretBasic(secret);
  let server: oidc.ServerMetadata | undefined;

  /** Browsers use the URLs of the issuer. The gateway may have to use others. */
  const backChannelFetch: oidc.CustomFetch = (url, options) => {
    const target = backChannelUrl && url.startsWith(issuer) ? backChannelUrl + url.slice(issuer.length) : url;
    return fetch(target, options as RequestInit);
  };

  const options: oidc.DiscoveryRequestOptions = {
    [oidc.customFetch]: backChannelFetch,
    timeout: timeout / 1000,
    // A development issuer may use http. For an https issuer, openid-client requires https everywhere.
    ...(issuer.startsWith('http:') && { execute: [oidc.allowInsecureRequests] }),
  };

  return async () => {
    try {
      server ??= (await oidc.discovery(new URL(issuer), id, undefined, authentication, options)).serverMetadata();
    } catch (cause) {
      throw new ValidationUnavailableError('the authorization server could not be reached', { cause });
    }
    // Tests move the clock of the gateway, but openid-client uses the real one.
    const clockSkew = Math.round((now() - Date.now()) / 1000);
    const client = new oidc.Configuration(server, id, { [oidc.clockSkew]: clockSkew }, authentication);
    client[oidc.customFetch] = backChannelFetch;
    client.timeout = timeout / 1000;
    for (const extend of options.execute ?? []) extend(client);
    return client;
  };
}

/** Whether the authorization server refused the code or the refresh token (RFC 6749 section 5.2). */
export function isRefusedGrant(error: unknown): error is oidc.ResponseBodyError {
  return error instanceof oidc.ResponseBodyError && error.error === 'invalid_grant';
}

/** The error for the browser after a failed call to the authorization server, unless it refused the grant. */
export function callFailure(cause: unknown): ResourceServerError {
  if (cause instanceof ResourceServerError) return cause;
  if (cause instanceof oidc.ResponseBodyError && cause.status < 500) {
    return new ValidatorRefusedError('the authorization server refused the request of the gateway', { cause });
  }
  return new ValidationUnavailableError('the authorization server failed, or its response is invalid', { cause });
}

/**
 * Where a browser goes to end the session at the authorization server too (OpenID Connect RP-Initiated Logout). The URL names the client
 * instead of carrying an ID token, so that the page sees no token.
 */
export function logoutUrl(
  client: oidc.Configuration,
  { application }: TokenHandlerConfig,
  origin: string,
): string | undefined {
  if (client.serverMetadata().end_session_endpoint === undefined) return undefined;
  const parameters = { post_logout_redirect_uri: new URL(application, origin).href };
  return oidc.buildEndSessionUrl(client, parameters).href;
}

/** Revokes a refresh token, and the access tokens that were issued for it (RFC 7009 section 2.1). */
export async function revoke(findClient: FindClient, refreshToken: string): Promise<void> {
  await oidc.tokenRevocation(await findClient(), refreshToken, { token_type_hint: 'refresh_token' });
}
