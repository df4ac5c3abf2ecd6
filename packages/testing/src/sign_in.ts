import * as oidc from 'openid-client';
import supertest from 'supertest';

/** A user's browser: keeps cookies by host and path, and follows no redirect by itself. */
export type Browser = ReturnType<typeof supertest.agent>;
export type Page = Awaited<ReturnType<Browser['get']>>;

/** What openid-client makes of a token response. */
export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

export interface SignInServer {
  /** Issuer identifier. */
  readonly issuer: string;
  /** The CA that clients trust, as PEM, if the server speaks HTTPS with a certificate of its own. */
  readonly ca?: string;
  /** Gets the codes, cookies and tokens of the sign-in, which nobody may log. */
  readonly log?: { secret(...values: (string | null | undefined)[]): void };
}

export interface AuthorizationOptions {
  readonly client: oidc.Configuration;
  /** What the user enters on the login page. Default: `{ user: 'alice' }`. */
  readonly login?: Readonly<Record<string, string>> | undefined;
  readonly scope?: string;
  readonly redirectUri?: string;
  /** Further parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Builds the authorization URL. Default: the parameters as the query. */
  readonly send?: (client: oidc.Configuration, parameters: Record<string, string>) => URL | Promise<URL>;
}

export interface SignedIn {
  readonly client: oidc.Configuration;
  readonly tokens: Tokens;
  readonly browser: Browser;
}

export interface Authorized {
  readonly client: oidc.Configuration;
  readonly browser: Browser;
  /** The client's redirect URI with the code. */
  readonly callback: URL;
  /** The values that openid-client checks the callback against. */
  readonly checks: { pkceCodeVerifier: string; expectedState: string; expectedNonce: string };
}

export const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

/** openid-client's view of a client, from the server's metadata. */
export function discover(
  { issuer }: Pick<SignInServer, 'issuer'>,
  id: string,
  metadata?: string | Partial<oidc.ClientMetadata>,
  authentication: oidc.ClientAuth = oidc.None(),
): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(issuer), id, metadata, authentication, { execute: [oidc.allowInsecureRequests] });
}

/** @param ca see {@link SignInServer} */
export function createBrowser({ issuer, ca }: Pick<SignInServer, 'issuer' | 'ca'>): Browser {
  return supertest.agent(new URL(issuer).origin, ca === undefined ? {} : { ca });
}

/** Opens a page of the browser's server, or submits a form to it. @param url absolute or a path */
export function open(
  browser: Browser,
  url: string | URL,
  form?: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
) {
  const { pathname, search } = new URL(url, 'http://localhost');
  const path = pathname + search;
  const request =
    form === undefined
      ? browser.get(path)
      : browser
          .post(path)
          .type('form')
          .send({ ...form });
  return request.set(headers).redirects(0);
}

/** The `Cookie` header that the browser sends to a URL on 127.0.0.1. */
export function cookiesOf(browser: Browser, url: string): string {
  const where = { domain: '127.0.0.1', path: new URL(url).pathname, secure: false, script: false };
  return browser.jar.getCookies(where as Parameters<typeof browser.jar.getCookies>[0]).toValueString();
}

/** Submits the first form of a page, with its hidden fields. */
export function submit(browser: Browser, page: string, fields: Readonly<Record<string, string>> = {}) {
  const [, action = '', content = ''] = /<form[^>]* action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page) ?? [];
  const hidden = [...content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"\/?>/g)];
  return open(browser, action, { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields });
}

/**
 * Follows redirects, signs in and consents.
 *
 * @returns the first URL outside the authorization server, or the first page that asks neither for a sign-in nor for consent
 * @throws {Error} a response is neither a redirect nor a page, or ten steps are not enough
 */
export async function follow(
  { issuer, log }: SignInServer,
  browser: Browser,
  start: Page,
  login: Readonly<Record<string, string>> = { user: 'alice' },
): Promise<URL | string> {
  let response = start;
  for (let steps = 0; steps < 10; steps++) {
    log?.secret(...cookieValues(response.headers['set-cookie']));
    if (response.status === 303 || response.status === 302) {
      const location = new URL(String(response.headers.location), issuer);
      if (location.origin !== new URL(issuer).origin) return location;
      response = await open(browser, location);
    } else if (response.status === 200) {
      if (!/<form[^>]* action="[^"]*\/interaction\//.test(response.text)) return response.text;
      response = await submit(browser, response.text, login);
    } else {
      throw new Error(`${response.status} ${response.text}`);
    }
  }
  const [page] = /<h1>.*<\/h1>.*/s.exec(response.text) ?? [];
  throw new Error(`the sign-in did not end within ten steps: ${page?.slice(0, 500)}`);
}

/** As {@link follow}, up to the client's redirect URI. @throws {Error} also when the sign-in ends on a page */
export async function followToCallback(
  server: SignInServer,
  browser: Browser,
  start: Page,
  login?: Readonly<Record<string, string>>,
): Promise<URL> {
  const end = await follow(server, browser, start, login);
  if (end instanceof URL) return end;
  throw new Error(`the sign-in did not lead to the client: ${end.slice(0, 500)}`);
}

/** Signs a user in, up to the code. */
export async function authorize(server: SignInServer, options: AuthorizationOptions): Promise<Authorized> {
  const { client, login, redirectUri = REDIRECT_URI, send = oidc.buildAuthorizationUrl } = options;
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  };
  const url = await send(client, {
    redirect_uri: redirectUri,
    scope: options.scope ?? 'openid',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...options.parameters,
  });
  const browser = createBrowser(server);
  const callback = await followToCallback(server, browser, await open(browser, url), login);
  server.log?.secret(callback.searchParams.get('code'));
  return { client, browser, callback, checks };
}

/** Signs a user in and gets the tokens: authorization code with PKCE. @param dpop for a token that is bound to a key */
export async function signIn(
  server: SignInServer,
  options: AuthorizationOptions,
  dpop?: oidc.DPoPHandle,
): Promise<SignedIn> {
  const { client, browser, callback, checks } = await authorize(server, options);
  const tokens = await oidc.authorizationCodeGrant(client, callback, checks, undefined, dpop && { DPoP: dpop });
  server.log?.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  return { client, tokens, browser };
}

/** Values of cookies that identify the browser; a signature (`.sig`) alone is no credential. */
function cookieValues(header: unknown): string[] {
  const cookies = Array.isArray(header) ? (header as string[]) : [];
  return cookies.map((cookie) => /^_(?:session|interaction)[^=]*=([^;]{20,})/.exec(cookie)?.[1] ?? '');
}
