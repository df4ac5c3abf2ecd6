import { createHash, randomBytes } from 'node:crypto';
import { browse } from './browse.ts';
import { SignInError } from './sign_in_error.ts';

export interface CodeFlow {
  readonly issuer: string;
  readonly client: { readonly id: string; readonly secret?: string | undefined; readonly sendsSecretInBody?: boolean };
  readonly redirectUri: string;
  readonly scope: string;
  /** Resource indicator. Default: none. */
  readonly resource?: string | undefined;
  /** More parameters of the authorization request. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** What the user enters on the login page. */
  readonly login: Readonly<Record<string, string>>;
}

/** A token response (RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3). */
export interface TokenResponse {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: number;
  readonly scope?: string;
  readonly id_token?: string;
  readonly refresh_token?: string;
}

/**
 * Acts as a client and as its user's browser: the authorization code flow with PKCE (RFC 7636), over HTTP.
 *
 * @throws {SignInError} the authorization server refused the request
 */
export async function runCodeFlow(flow: CodeFlow, fetch: typeof globalThis.fetch): Promise<TokenResponse> {
  const { issuer, client, redirectUri, scope, resource, parameters, login } = flow;
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const query = new URLSearchParams({
    client_id: client.id,
    response_type: 'code',
    redirect_uri: redirectUri,
    scope,
    state,
    ...(resource !== undefined && { resource }),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...parameters,
  });
  const callback = await browse(new URL(`${issuer}/auth?${query}`), { fetch, login, redirectUri });
  const code = callback.searchParams.get('code');
  if (code === null) {
    const { error = 'server_error', error_description = 'no code' } = Object.fromEntries(callback.searchParams);
    throw new SignInError(error, error_description);
  }
  return requestToken(`${issuer}/token`, client, fetch, {
    grant_type: 'authorization_code',
    redirect_uri: redirectUri,
    code,
    code_verifier: verifier,
  });
}

async function requestToken(
  endpoint: string,
  { id, secret, sendsSecretInBody = false }: CodeFlow['client'],
  fetch: typeof globalThis.fetch,
  parameters: Readonly<Record<string, string>>,
): Promise<TokenResponse> {
  const inHeader = secret !== undefined && !sendsSecretInBody;
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: inHeader ? { Authorization: `Basic ${btoa(`${formEncode(id)}:${formEncode(secret)}`)}` } : {},
    body: new URLSearchParams({
      ...parameters,
      ...(!inHeader && { client_id: id }),
      ...(secret !== undefined && sendsSecretInBody && { client_secret: secret }),
    }),
  });
  const body = (await answer.json()) as TokenResponse & {
    readonly error?: string;
    readonly error_description?: string;
  };
  if (!answer.ok) throw new SignInError(body.error ?? 'server_error', body.error_description ?? `${answer.status}`);
  return body;
}

/** RFC 6749 section 2.3.1. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
