import * as oidc from 'openid-client';
import supertest from 'supertest';
import { resourceOf, type Style, type World } from '../worlds/world.ts';
import { demoWeb } from './clients.ts';

type Response = Awaited<ReturnType<Browser['get']>>;
export type Browser = ReturnType<typeof supertest.agent>;

/** What openid-client makes of a token response. */
export type Tokens = oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;

export interface SignedIn {
  readonly client: oidc.Configuration;
  readonly tokens: Tokens;
  /** The user's browser: an agent that keeps cookies. */
  readonly browser: Browser;
}

export interface SignInOptions {
  readonly user?: 'alice' | 'bob';
  /** The API to get a token for; without one the token is for userinfo. */
  readonly style?: Style;
  readonly scope?: string;
  readonly redirectUri?: string;
  /** Default: `demo-web`. */
  readonly client?: oidc.Configuration;
  /** Further parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** How the request reaches the authorization endpoint. Default: as its query. */
  readonly send?: (client: oidc.Configuration, parameters: Record<string, string>) => URL | Promise<URL>;
  /** For a token that is bound to a key. */
  readonly dpop?: oidc.DPoPHandle;
}

export const REDIRECT_URI = 'http://127.0.0.1:53682/callback';

/** A user signs in and consents in a browser, and openid-client gets the tokens: authorization code with PKCE. */
export async function signIn(world: World, options: SignInOptions = {}): Promise<SignedIn> {
  const { client, browser, callback, checks } = await authorize(world, options);
  const dpop = options.dpop && { DPoP: options.dpop };
  const tokens = await oidc.authorizationCodeGrant(client, callback, checks, undefined, dpop);
  world.log.secret(tokens.access_token, tokens.refresh_token, tokens.id_token);
  return { client, tokens, browser };
}

/** As far as the code: the callback URL that the browser is sent to, and what openid-client checks it against. */
export async function authorize(world: World, options: SignInOptions = {}) {
  const { user = 'alice', style, scope = 'openid profile email read', redirectUri = REDIRECT_URI } = options;
  const { client = await demoWeb(world), send = oidc.buildAuthorizationUrl, parameters } = options;
  const checks = {
    pkceCodeVerifier: oidc.randomPKCECodeVerifier(),
    expectedState: oidc.randomState(),
    expectedNonce: oidc.randomNonce(),
  };
  const url = await send(client, {
    redirect_uri: redirectUri,
    scope: style ? scope : 'openid profile email',
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...(style ? { resource: resourceOf(style) } : undefined),
    ...parameters,
  });
  const browser = supertest.agent(new URL(world.issuer).origin, world.ca === undefined ? {} : { ca: world.ca });
  const callback = await followToCallback(world, browser, url, user);
  world.log.secret(callback.searchParams.get('code'));
  return { client, browser, callback, checks };
}

/** Follows redirects and submits the pages that come, as a person would, until the client's redirect URI. */
async function followToCallback(world: World, browser: Browser, start: URL, user: string): Promise<URL> {
  const end = await follow(world, browser, await browser.get(start.pathname + start.search).redirects(0), user);
  if (end instanceof URL) return end;
  throw new Error('the sign-in did not lead to the client');
}

/** @returns the first URL that is not the authorization server's, or the first page without a form, or that says that it is over */
export async function follow(world: World, browser: Browser, start: Response, user: string): Promise<URL | string> {
  let answer = start;
  for (let steps = 0; steps < 10; steps++) {
    world.log.secret(...cookieValues(answer.headers['set-cookie']));
    if (answer.status === 303 || answer.status === 302) {
      const location = new URL(String(answer.headers.location), world.issuer);
      if (location.origin !== new URL(world.issuer).origin) return location;
      answer = await browser.get(location.pathname + location.search).redirects(0);
    } else if (answer.status === 200 && (!answer.text.includes('<form') || answer.text.includes('already been used'))) {
      return answer.text;
    } else if (answer.status === 200) {
      answer = await submit(browser, answer.text, { user });
    } else {
      throw new Error(`${answer.status} ${answer.text}`);
    }
  }
  const [page] = /<h1>.*<\/h1>.*/s.exec(answer.text) ?? [];
  throw new Error(`the sign-in did not come to an end: ${page?.slice(0, 500)}`);
}

/** Submits the first form of a page, with what is hidden in it. */
export function submit(browser: Browser, page: string, fields: Readonly<Record<string, string>> = {}) {
  const [, action = '', content = ''] = /<form method="post" action="([^"]+)"[^>]*>(.*?)<\/form>/s.exec(page) ?? [];
  const hidden = [...content.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
  const form = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields };
  return browser.post(action).type('form').send(form).redirects(0);
}

/** Values of cookies that identify the browser; a signature (`.sig`) is no credential by itself. */
function cookieValues(header: unknown): string[] {
  const cookies = Array.isArray(header) ? (header as string[]) : [];
  return cookies.map((cookie) => /^_(?:session|interaction)[^=]*=([^;]{20,})/.exec(cookie)?.[1] ?? '');
}
