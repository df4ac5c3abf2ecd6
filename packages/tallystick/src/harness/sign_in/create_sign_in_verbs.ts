import type { Entries } from '../collections.ts';
import { checkInput, InputError } from '../input_error.ts';
import { apiOf, defaultClient, type KnownEntries } from '../tokens/defaults.ts';
import { type SignInRequest, signInRequestSchema } from '../tokens/token_request.ts';
import { UnknownNameError } from '../unknown_name.ts';
import { runCodeFlow } from './code_flow.ts';

/** What a client gets when its user signs in. */
export interface SignedIn {
  readonly accessToken: string;
  readonly tokenType: string;
  /** Seconds. */
  readonly expiresIn?: number;
  /** The granted scopes. */
  readonly scopes: readonly string[];
  /** With the scope `openid`. */
  readonly idToken?: string;
  /** For a client with the `refresh_token` grant. */
  readonly refreshToken?: string;
}

export interface SignInVerbs {
  /**
   * Signs a user in without a browser: the authorization code flow over HTTP, with the real login and consent pages.
   *
   * @throws {UnknownNameError} the client or the API does not exist
   * @throws {InputError} the client cannot use this flow
   * @throws {SignInError} the authorization server refused the request
   */
  signIn(request?: SignInRequest): Promise<SignedIn>;
  /** As `signIn`. @returns the ID token */
  idToken(request?: SignInRequest): Promise<string>;
  /** As `signIn`, with the scope `offline_access`. @returns the refresh token */
  refreshToken(request?: SignInRequest): Promise<string>;
}

export interface SignInDependencies {
  readonly issuer: () => string;
  readonly known: () => KnownEntries;
  readonly fetch: typeof globalThis.fetch;
}

export function createSignInVerbs({ issuer, known, fetch }: SignInDependencies): SignInVerbs {
  async function signIn(given: SignInRequest, addedScope?: string): Promise<SignedIn> {
    const request = checkInput(signInRequestSchema, given);
    const entries = known();
    const client = clientFor(request.client ?? defaultClient(entries, 'authorization_code'), entries);
    const api = apiOf(request, entries);
    const scopes = request.scopes ?? ['openid', ...(api?.scopes ?? [])];
    const user = request.user ?? entries.users[0]?.id ?? 'alice';
    const scope = [...new Set([...scopes, ...(addedScope === undefined ? [] : [addedScope])])].join(' ');
    const redirectUri = request.redirectUri ?? client.redirectUris.find((uri) => !uri.includes('*'));
    if (redirectUri === undefined)
      throw new InputError('redirectUri', `expected one: the client "${client.id}" has none`);
    const login = { user, ...(request.claims && { claims: JSON.stringify(request.claims) }) };
    const { parameters } = request;
    const flow = { issuer: issuer(), client, redirectUri, scope, resource: api?.resource, parameters, login };
    const answer = await runCodeFlow(flow, fetch);
    return {
      accessToken: answer.access_token,
      tokenType: answer.token_type,
      ...(answer.expires_in !== undefined && { expiresIn: answer.expires_in }),
      scopes: (answer.scope ?? scope).split(' '),
      ...(answer.id_token !== undefined && { idToken: answer.id_token }),
      ...(answer.refresh_token !== undefined && { refreshToken: answer.refresh_token }),
    };
  }

  return {
    signIn: (request = {}) => signIn(request),
    async idToken(request = {}) {
      const { idToken } = await signIn(request, 'openid');
      if (idToken === undefined) throw new TypeError('the authorization server issued no ID token');
      return idToken;
    },
    async refreshToken(request = {}) {
      const { refreshToken } = await signIn(request, 'offline_access');
      if (refreshToken !== undefined) return refreshToken;
      throw new InputError('client', 'expected a client with the refresh_token grant');
    },
  };
}

type Client = Entries['clients'][number];

/** @throws {UnknownNameError} @throws {InputError} */
function clientFor(id: string, { clients, permissive }: KnownEntries) {
  const found = clients.find((client) => client.id === id);
  if (found !== undefined) return { ...credentialsOf(found), redirectUris: found.redirectUris };
  if (permissive) return { id, redirectUris: ['http://localhost/callback'] };
  throw new UnknownNameError(
    'client',
    'client',
    id,
    clients.map((client) => client.id),
  );
}

function credentialsOf({ id, secret, grants, metadata }: Client) {
  if (!grants.includes('authorization_code'))
    throw new InputError('client', `expected a client with the authorization_code grant; "${id}" does not have it`);
  const method = metadata?.token_endpoint_auth_method;
  const isSupported = method === undefined || /^(?:none|client_secret_(?:basic|post))$/.test(String(method));
  if (!isSupported)
    throw new InputError('client', `expected a client with a secret, or none; "${id}" authenticates by ${method}`);
  return { id, secret: method === 'none' ? undefined : secret, sendsSecretInBody: method === 'client_secret_post' };
}
