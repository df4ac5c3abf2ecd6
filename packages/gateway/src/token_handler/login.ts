import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import * as oidc from 'openid-client';
import type { TokenHandlerConfig } from '../config/token_handler.ts';
import { readCookie, setCookie } from '../http/cookies.ts';
import { RequestError } from '../http/errors.ts';
import { maximumCookieLength } from '../http/long_cookies.ts';
import type { SealedCookies } from '../http/sealed_cookies.ts';
import { callFailure, type FindClient, isRefusedGrant } from './client.ts';
import { loginName, loginState, loginsToDrop } from './logins_under_way.ts';
import { cookieNames, type Sessions } from './session.ts';

/** Seconds that a user has to sign in. */
const LOGIN_LIFETIME = 600;

/** Parameters that the application may add to the authorization request. */
const PASSED_ON = ['prompt', 'login_hint', 'acr_values', 'max_age', 'ui_locales'];

/** What the cookie of a login under way holds, sealed. */
type Login = { state: string; codeVerifier: string; nonce: string; redirectUri: string; returnTo: string };

export interface LoginDependencies {
  readonly findClient: FindClient;
  readonly sealed: SealedCookies;
  readonly sessions: Sessions;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Signs a user in: authorization code with PKCE (RFC 7636), `state` and `nonce`. */
export function createLogin(config: TokenHandlerConfig, { findClient, sealed, sessions, now }: LoginDependencies) {
  const names = cookieNames(config);
  // Lax, whatever the others are: the browser comes back from the authorization server, another site.
  const cookie = (state: string, value: string, maxAge: number) =>
    setCookie(loginName(names.login, state), value, { maxAge, sameSite: 'lax' });

  /** Sends the browser to the authorization server. @param origin the gateway's, as the browser knows it */
  async function begin({ headers }: IncomingMessage, { searchParams }: URL, origin: string): Promise<PageAnswer> {
    const client = await findClient();
    const login: Login = {
      state: loginState(oidc.randomState(), now()),
      codeVerifier: oidc.randomPKCECodeVerifier(),
      nonce: oidc.randomNonce(),
      redirectUri: `${origin}${config.prefix}/${config.endpoints.callback}`,
      returnTo: returnTo(config, searchParams.get('return_to'), origin),
    };
    const parameters = {
      redirect_uri: login.redirectUri,
      scope: ['openid', ...config.scopes].join(' '),
      resource: config.api,
      state: login.state,
      nonce: login.nonce,
      code_challenge: await oidc.calculatePKCECodeChallenge(login.codeVerifier),
      code_challenge_method: 'S256',
      ...(config.claims.length > 0 && { claims: claimsParameter(config.claims) }),
      ...Object.fromEntries([...searchParams].filter(([name]) => PASSED_ON.includes(name))),
    };
    const pushes = client.serverMetadata().pushed_authorization_request_endpoint !== undefined;
    const location = pushes
      ? await oidc.buildAuthorizationUrlWithPAR(client, parameters).catch((error) => Promise.reject(callFailure(error)))
      : oidc.buildAuthorizationUrl(client, parameters);
    const value = await sealed.seal(loginName(names.login, login.state), login, LOGIN_LIFETIME);
    const begun = cookie(login.state, value, LOGIN_LIFETIME);
    if (begun.length > maximumCookieLength) throw new RequestError('invalid_request', 'return_to is too long');
    const over = loginsToDrop(headers.cookie, names.login, begun.length).map((name) =>
      setCookie(name, '', { maxAge: 0, sameSite: 'lax' }),
    );
    return { location: location.href, cookies: [...over, begun] };
  }

  /** Redeems the code with which the browser comes back. */
  async function complete(url: URL, request: IncomingMessage): Promise<PageAnswer> {
    const { headers } = request;
    const state = url.searchParams.get('state') ?? '';
    const name = loginName(names.login, state);
    const value = readCookie(headers.cookie, name);
    const login = value === undefined ? undefined : await sealed.open<Login>(name, value);
    if (login === undefined) throw new RequestError('invalid_request', 'no login is under way in this browser');

    const client = await findClient();
    const over = cookie(state, '', 0);
    const callback = new URL(login.redirectUri + url.search);
    try {
      const tokens = await oidc.authorizationCodeGrant(
        client,
        callback,
        {
          pkceCodeVerifier: login.codeVerifier,
          expectedState: login.state,
          expectedNonce: login.nonce,
          idTokenExpected: true,
        },
        { resource: config.api },
      );
      const since = Math.floor(now() / 1000);
      const sid = randomBytes(16).toString('base64url');
      const claims = claimsOf(tokens.claims() ?? {}, config.claims);
      const cookies = await sessions.keep(request, { sid, since, claims }, tokens);
      return { location: login.returnTo, cookies: [over, ...cookies] };
    } catch (error) {
      // The user said no, or the code is no good any more: that is the application's to tell.
      if (error instanceof oidc.AuthorizationResponseError || isRefusedGrant(error)) {
        const location = new URL(login.returnTo);
        location.searchParams.set('error', error.error);
        return { location: location.href, cookies: [over] };
      }
      throw callFailure(error);
    }
  }

  return { begin, complete };
}

/** OpenID Connect Core section 5.5. */
function claimsParameter(names: readonly string[]): string {
  return JSON.stringify({ id_token: Object.fromEntries(names.map((name) => [name, null])) });
}

function claimsOf(idToken: Readonly<Record<string, unknown>>, names: readonly string[]) {
  return Object.fromEntries(['sub', ...names].flatMap((name) => (name in idToken ? [[name, idToken[name]]] : [])));
}

/** A URL of the application. It must not lead elsewhere: a login link could then bring the user anywhere (RFC 9700 section 4.11). */
function returnTo({ application }: TokenHandlerConfig, asked: string | null, origin: string): string {
  const home = new URL(application, origin);
  if (asked === null) return home.href;
  if (!/^\/(?![/\\])[\x21-\x7e]*$/.test(asked) || !URL.canParse(asked, home.href)) {
    throw new RequestError('invalid_request', 'return_to must be a path of the application');
  }
  const url = new URL(asked, home);
  if (url.origin !== home.origin)
    throw new RequestError('invalid_request', 'return_to must be a path of the application');
  return url.href;
}

/** What an endpoint of the token handler answers. */
export type PageAnswer =
  | { readonly location: string; readonly cookies: readonly string[] }
  | { readonly json?: object; readonly cookies?: readonly string[] };
