import { createHash } from 'node:crypto';
import { REDIRECT_URI, type Served } from './serve.ts';
import { resourceOf } from './test_server.ts';

const VERIFIER = 'v'.repeat(43);

/** A browser that keeps cookies but does not follow redirects. */
export interface Browser {
  open(url: string, form?: Record<string, string>, headers?: Record<string, string>): Promise<Response>;
}

export function createBrowser(): Browser {
  const cookies = new Map<string, string>();
  return {
    async open(url, form, headers = {}) {
      const answer = await fetch(url, {
        redirect: 'manual',
        headers: { Cookie: [...cookies].map((pair) => pair.join('=')).join('; '), ...headers },
        ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const cookie of answer.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        cookies.set(name, value);
      }
      return answer;
    },
  };
}

/** The URL of an authorization request. @param more further parameters */
export function authorizationUrl({ issuer }: Served, style: string, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({
    client_id: 'web',
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid read',
    resource: resourceOf(style),
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  return `${issuer}/auth?${query}`;
}

/** Opens the login page. @returns its URL */
export async function openLogin(served: Served, browser: Browser, style: string): Promise<string> {
  const answer = await browser.open(authorizationUrl(served, style));
  const page = new URL(answer.headers.get('location') ?? '', served.issuer).href;
  await browser.open(page);
  return page;
}

/** Signs in and consents. @returns the access token */
export async function signIn(
  served: Served,
  style: string,
  as: Record<string, string> = { user: 'alice' },
): Promise<string> {
  const browser = createBrowser();
  const login = await openLogin(served, browser, style);
  const callback = await followToCallback(served, browser, await browser.open(`${login}/login`, as));
  return redeem(served, 'web', callback);
}

/** Alice signs in and consents. @returns the refresh token */
export async function signInForRefreshToken(served: Served): Promise<string> {
  const browser = createBrowser();
  const login = await openLogin(served, browser, 'split');
  const callback = await followToCallback(served, browser, await browser.open(`${login}/login`, { user: 'alice' }));
  return (await redeemAll(served, 'web', callback)).refresh_token;
}

/** Follows redirects and consents, until the client's redirect URI. */
export async function followToCallback(served: Served, browser: Browser, first: Response): Promise<URL> {
  let answer = first;
  for (let step = 0; step < 10; step++) {
    const location = new URL(answer.headers.get('location') ?? 'about:blank', served.issuer);
    if (location.origin !== new URL(served.issuer).origin) return location;
    answer = await browser.open(location.href);
    if (answer.status === 200) answer = await browser.open(`${location.href}/consent`, {});
  }
  throw new Error('the sign-in did not reach the redirect URI');
}

/** Redeems the code in the callback. @returns the access token */
export async function redeem(served: Served, clientId: string, callback: URL): Promise<string> {
  return (await redeemAll(served, clientId, callback)).access_token;
}

async function redeemAll({ issuer }: Served, clientId: string, callback: URL) {
  const code = callback.searchParams.get('code') ?? '';
  const form = {
    grant_type: 'authorization_code',
    client_id: clientId,
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: VERIFIER,
  };
  const tokens = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return (await tokens.json()) as { access_token: string; refresh_token: string };
}
