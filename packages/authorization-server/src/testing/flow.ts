import { createHash } from 'node:crypto';
import { type Browser, createBrowser, open, REDIRECT_URI, submit } from '@tallystick/testing/sign_in';

const VERIFIER = 'v'.repeat(43);

/** The PKCE parameters of an authorization request. */
export const CHALLENGE = {
  code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
  code_challenge_method: 'S256',
};

type Server = { readonly issuer: string };
type Parameters = Readonly<Record<string, string>>;

export interface Authorization {
  /** The redirect to the client. */
  readonly callback: URL;
  /** The pages that the user saw. */
  readonly pages: readonly string[];
  readonly browser: Browser;
}

/** Sends an authorization request with exactly these parameters, and submits the pages that come. */
export async function authorize(
  server: Server,
  parameters: Parameters,
  options: { readonly browser?: Browser; readonly user?: string } = {},
): Promise<Authorization> {
  const { browser = createBrowser(server), user = 'alice' } = options;
  const pages: string[] = [];
  const query = new URLSearchParams({ response_type: 'code', redirect_uri: REDIRECT_URI, ...parameters });
  let response = await open(browser, `${server.issuer}/auth?${query}`);
  for (let step = 0; step < 10; step++) {
    if (response.status === 303) {
      const location = new URL(String(response.headers.location), server.issuer);
      if (location.origin !== new URL(server.issuer).origin) return { callback: location, pages, browser };
      response = await open(browser, location);
    } else if (response.status === 200) {
      // The form that ends the session before another user signs in submits itself.
      const [, page] = /\/interaction\/[\w-]+\/(login|consent)"/.exec(response.text) ?? [];
      if (page !== undefined) pages.push(page);
      response = await submit(browser, response.text, page === 'login' ? { user } : {});
    } else {
      throw new Error(`${response.status} ${response.text}`);
    }
  }
  throw new Error('the sign-in did not reach the redirect URI');
}

export interface TokenResponse {
  readonly access_token: string;
  readonly id_token: string;
  readonly refresh_token: string;
  readonly scope: string;
  readonly error?: string;
  readonly error_description?: string;
}

/** Sends a token request. @param client `id` of a public client, or `id:secret` */
export async function requestTokens({ issuer }: Server, client: string, form: Parameters): Promise<TokenResponse> {
  const isPublic = !client.includes(':');
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...(isPublic && { client_id: client }), ...form }),
    headers: isPublic ? {} : { Authorization: `Basic ${btoa(client)}` },
  });
  return (await answer.json()) as TokenResponse;
}

/** Redeems the code of an authorization with PKCE. */
export function redeemCode(server: Server, client: string, { callback }: Authorization, more: Parameters = {}) {
  return requestTokens(server, client, {
    grant_type: 'authorization_code',
    redirect_uri: REDIRECT_URI,
    code: callback.searchParams.get('code') ?? '',
    code_verifier: VERIFIER,
    ...more,
  });
}
