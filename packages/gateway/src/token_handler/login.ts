import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as oidc from 'openid-client';
import type { TokenHandlerConfig } from '../config/token_handler.ts';
import { RequestError } from '../http/errors.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';
import { callFailure, type FindClient, isRefusedGrant } from './client.ts';
import { createPendingLogins, createState, type PendingLogin } from './pending_logins.ts';
import { cookieNames, type Sessions } from './session.ts';

/** Parameters that the application may add to the authorization request. */
const FORWARDED_PARAMETERS = ['prompt', 'login_hint', 'acr_values', 'max_age', 'ui_locales'];

/** The response of an endpoint of the token handler. */
export type EndpointResponse =
  | { readonly location: string; readonly cookies: readonly string[] }
  | { readonly json?: object; readonly cookies?: readonly string[] };

export interface LoginDependencies {
  readonly findClient: FindClient;
  readonly sealed: SealedCookies;
  readonly sessions: Sessions;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Signs a user in with the authorization code flow, PKCE (RFC 7636), `state` and `nonce`. */
export function createLogin(config: TokenHandlerConfig, { findClient, sealed, sessions, now }: LoginDependencies) {
  const pendingLogins = createPendingLogins(cookieNames(config).login, sealed);

  /** Sends the browser to the authorization server. @param origin the gateway's, as the browser knows it */
  async function begin({ headers }: IncomingMessage, { searchParams }: URL, origin: string): Promise<EndpointResponse> {
    const client = await findClient();
    const login: PendingLogin = {
      state: createState(now()),
      codeVerifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
      redirectUri: `${origin}${config.prefix}/${config.endpoints.callback}`,
      returnTo: returnTo(config, searchParams.get('return_to'), origin),
    };
    const location = await authorizationUrl(client, await authorizationParameters(config, login, searchParams));
    return { location: location.href, cookies: await pendingLogins.keep(login, headers.cookie) };
  }

  /** Redeems the authorization code with which the browser comes back. */
  async function complete(url: URL, request: IncomingMessage): Promise<EndpointResponse> {
    const state = url.searchParams.get('state') ?? '';
    const login = await pendingLogins.find(state, request.headers.cookie);
    if (login === undefined) throw new RequestError('invalid_request', 'this browser has no pending login');

    const client = await findClient();
    const done = pendingLogins.remove(state);
    try {
      const tokens = await redeemCode(client, new URL(login.redirectUri + url.search), login, config.api);
      const session = {
        sid: randomBytes(16).toString('base64url'),
        since: Math.floor(now() / 1000),
        claims: claimsOf(tokens.claims() ?? {}, config.claims),
      };
      return { location: login.returnTo, cookies: [done, ...(await sessions.keep(request, session, tokens))] };
    } catch (error) {
      // The user refused, or the code is no longer valid. The application shows that.
      if (error instanceof oidc.AuthorizationResponseError || isRefusedGrant(error)) {
        const location = new URL(login.returnTo);
        location.searchParams.set('error', error.error);
        return { location: location.href, cookies: [done] };
      }
      throw callFailure(error);
    }
  }

  return { begin, complete };
}

async function authorizationParameters(
  { scopes, api, claims }: TokenHandlerConfig,
  { redirectUri, state, nonce, codeVerifier }: PendingLogin,
  query: URLSearchParams,
): Promise<Record<string, string>> {
  return {
    redirect_uri: redirectUri,
    scope: ['openid', ...scopes].join(' '),
    resource: api,
    state,
    nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...(claims.length > 0 && { claims: claimsParameter(claims) }),
    ...Object.fromEntries([...query].filter(([name]) => FORWARDED_PARAMETERS.includes(name))),
  };
}

/** Uses a pushed authorization request (RFC 9126) if the authorization server supports it. */
async function authorizationUrl(client: oidc.Configuration, parameters: Record<string, string>): Promise<URL> {
  const supportsPushing = client.serverMetadata().pushed_authorization_request_endpoint !== undefined;
  if (!supportsPushing) return oidc.buildAuthorizationUrl(client, parameters);
  return oidc.buildAuthorizationUrlWithPAR(client, parameters).catch((error) => Promise.reject(callFailure(error)));
}

function redeemCode(client: oidc.Configuration, callback: URL, login: PendingLogin, resource: string) {
  const checks = {
    pkceCodeVerifier: login.codeVerifier,
    expectedState: login.state,
    expectedNonce: login.nonce,
    idTokenExpected: true,
  };
  return oidc.authorizationCodeGrant(client, callback, checks, { resource });
}

/** The `claims` parameter (OpenID Connect Core section 5.5). */
function claimsParameter(names: readonly string[]): string {
  return JSON.stringify({ id_token: Object.fromEntries(names.map((name) => [name, null])) });
}

function claimsOf(idToken: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return Object.fromEntries(['sub', ...names].flatMap((name) => (name in idToken ? [[name, idToken[name]]] : [])));
}

/** A URL of the application. Any other would make the login an open redirector (RFC 9700 section 4.11). */
function returnTo({ application }: TokenHandlerConfig, requested: string | null, origin: string): string {
  const home = new URL(application, origin);
  if (requested === null) return home.href;
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(requested) || !URL.canParse(requested, home.href)) {
    throw new RequestError('invalid_request', 'return_to must be a path of the application');
  }
  const url = new URL(requested, home);
  if (url.origin !== home.origin)
    throw new RequestError('invalid_request', 'return_to must be a path of the application');
  return url.href;
}
