import { createHash } from 'node:crypto';
import { REDIRECT_URI, resourceOf, type Served } from './serve.ts';

const VERIFIER = 'v'.repeat(43);

/** A browser: keeps cookies, follows no redirect by itself. */
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

/** Where the client `web` sends a browser to. */
function authorizationUrl({ issuer }: Served, style: string): string {
  const query = new URLSearchParams({
    client_id: 'web',
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid read',
    resource: resourceOf(style),
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
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

/** Alice signs in and consents. @returns the access token */
export async function signIn(served: Served, style: string): Promise<string> {
  const browser = createBrowser();
  const login = await openLogin(served, browser, style);
  let answer = await browser.open(`${login}/login`, { user: 'alice' });
  for (
    let location = answer.headers.get('location');
    location?.startsWith('/') || location?.startsWith(served.issuer);
  ) {
    const url = new URL(location, served.issuer).href;
    answer = await browser.open(
      url.includes('/interaction/') ? `${url}/consent` : url,
      url.includes('/interaction/') ? {} : undefined,
    );
    location = answer.headers.get('location');
  }
  const code = new URL(answer.headers.get('location') ?? '').searchParams.get('code') ?? '';
  const form = {
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: VERIFIER,
  };
  const tokens = await fetch(`${served.issuer}/token`, { method: 'POST', body: new URLSearchParams(form) });
  return ((await tokens.json()) as { access_token: string }).access_token;
}
