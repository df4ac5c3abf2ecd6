import { createHash, randomBytes } from 'node:crypto';

export interface SignInRequest {
  readonly issuer: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly resource: string;
  readonly scope: string;
  readonly user: string;
}

/**
 * Acts as a public client and as its user's browser: runs the authorization code flow with PKCE (RFC 7636), signs in and
 * consents.
 *
 * @returns the access token
 * @throws {Error} the authorization server refused the request
 */
export async function signIn({ issuer, clientId, redirectUri, resource, scope, user }: SignInRequest): Promise<string> {
  const verifier = randomBytes(32).toString('base64url');
  const query = new URLSearchParams({
    client_id: clientId,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    resource,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const code = await browse(new URL(`${issuer}/auth?${query}`), user);
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code,
      code_verifier: verifier,
    }),
  });
  const { access_token: accessToken } = (await answer.json()) as { access_token?: string };
  if (!accessToken) throw new Error(`the token endpoint answered with status ${answer.status}`);
  return accessToken;
}

/** Follows redirects and submits forms until a redirect to the client carries the code. */
async function browse(start: URL, user: string): Promise<string> {
  const cookies = new Map<string, string>();
  let url = start;
  let form: URLSearchParams | undefined;
  for (let step = 0; step < 10; step++) {
    const answer: Response = await fetch(url, {
      method: form ? 'POST' : 'GET',
      ...(form ? { body: form } : undefined),
      headers: { Cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      redirect: 'manual',
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    if (location !== null) {
      url = new URL(location, url);
      form = undefined;
      const code = url.searchParams.get('code');
      if (url.origin !== start.origin && code !== null) return code;
    } else {
      const [, action] = /<form method="post" action="([^"]+)"/.exec(await answer.text()) ?? [];
      if (action === undefined) break;
      url = new URL(action, url);
      form = new URLSearchParams(action.endsWith('/login') ? { user } : {});
    }
  }
  throw new Error('the sign-in did not end with an authorization code');
}
