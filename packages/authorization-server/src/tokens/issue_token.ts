import { randomBytes } from 'node:crypto';
import { refusedShape, signatureOf } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import type { JWK } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import { resourceOfAudience } from '../permissive/apis.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import type { AddUser } from '../sign_in/login_form.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';
import { breakJwt, type Defect, WRONG_AUDIENCE } from './broken_jwt.ts';
import type { Lifetimes } from './lifetimes.ts';
import { resourceServerOf } from './resource_servers.ts';

/** A request for an access token without a flow. */
export interface TokenRequest {
  /** The client that gets the token. */
  readonly client: string;
  /** The user: a configured one or any other, as at the login page. Default: none, for a token of the client itself. */
  readonly user?: string | undefined;
  /** Resource indicator of the API; at a permissive issuer any audience. Default: none, for a token for userinfo. */
  readonly api?: string | undefined;
  /** Default: none; for userinfo `openid`. */
  readonly scopes?: readonly string[] | undefined;
  /** Claims that are added to the configured claims of the API, or replace them. */
  readonly claims?: { readonly [name: string]: unknown } | undefined;
  /** Seconds. Default: the lifetime of the client, or else of the API. */
  readonly lifetime?: number | undefined;
  /** The `cnf` claim (RFC 7800): the thumbprint of a key (RFC 9449) or of a certificate (RFC 8705). */
  readonly confirmation?: { readonly jkt: string } | { readonly 'x5t#S256': string } | undefined;
  /** The defect of the token. Default: none. */
  readonly defect?: Defect | undefined;
}

export interface IssuedToken {
  /** The client-held token. */
  readonly accessToken: string;
  /** The JWT for the API. Absent for a token without an API. */
  readonly jwt?: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** No flow could issue the requested token, and the request names no possible defect. */
export class TokenRequestError extends Error {
  readonly code = 'invalid_request';
  override name = 'TokenRequestError';
  /** The invalid part of the request, such as `scopes[1]`. */
  readonly path: string;

  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

export type IssueToken = (request: TokenRequest) => Promise<IssuedToken>;

export interface IssueTokenDependencies {
  readonly provider: Provider;
  readonly configuration: Configuration;
  readonly lifetimes: Lifetimes;
  readonly styles: AccessTokenStyles;
  readonly store: TokenStore;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** The private key that currently signs for an API. */
  readonly signingKey: (api: ApiConfig) => JWK | undefined;
  readonly addUser: AddUser;
}

/** Claims that the server sets itself. */
const RESERVED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'scope', 'client_id', 'cnf', 'active', 'token_type'];

type UnsavedToken = AccessTokenRecord & { kind: string; extra?: object; save(): Promise<string>; tokenType: string };

/** The client-held token and, if there is an API, its JWT. */
type Issued = readonly [accessToken: string, jwt?: string];

/** Creates the issuing without a flow. It runs the same code as a flow, from the token models of oidc-provider on. */
export function createIssueToken(
  { secret }: Pick<AuthorizationServerConfig, 'secret'>,
  dependencies: IssueTokenDependencies,
): IssueToken {
  return async (request) => {
    const { token, api } = await prepareToken(request, dependencies);
    const [accessToken, jwt] =
      request.defect && api
        ? await issueBroken(token, api, { ...dependencies, secret, defect: request.defect })
        : await issueIntact(token, api, dependencies);
    return {
      accessToken,
      ...(jwt !== undefined && { jwt }),
      tokenType: token.tokenType === 'DPoP' ? 'DPoP' : 'Bearer',
      expiresAt: token.exp ?? 0,
    };
  };
}

async function prepareToken(
  request: TokenRequest,
  { provider, configuration, lifetimes, styles, now, addUser }: IssueTokenDependencies,
): Promise<{ token: UnsavedToken; api: ApiConfig | undefined }> {
  const client = await provider.Client.find(request.client);
  if (client === undefined) throw new TokenRequestError('client', 'expected one of the clients');
  const api = requestedApi(request, styles);
  const scopes = request.scopes ?? (api ? [] : ['openid']);
  if (!isPermissiveClient(client)) refuseForeignScopes(scopes, api);
  refuseReserved(request.claims);
  const iat = Math.floor(now() / 1000);
  const properties = {
    client,
    scope: scopes.join(' ') || undefined,
    iat,
    exp: iat + (request.lifetime ?? lifetimes.accessToken(request.client, api)),
    ...request.confirmation,
    ...(api && { resourceServer: new provider.ResourceServer(api.resource, resourceServerOf(api)) }),
  };
  const Token = request.user === undefined ? provider.ClientCredentials : provider.AccessToken;
  const token = new (Token as unknown as new (input: object) => UnsavedToken)({
    ...properties,
    ...(request.user !== undefined && (await userProperties(request.user, scopes, api))),
  });
  if (request.claims) token.extra = { ...(await configuredClaims()), ...request.claims };
  return { token, api };

  /** A user's token belongs to a grant, as after a consent. */
  async function userProperties(user: string, scopes: readonly string[], api: ApiConfig | undefined) {
    const isKnown = (await configuration.findAccount?.(undefined as never, user)) !== undefined;
    if (!isKnown && !(await addUser(user)))
      throw new TokenRequestError(
        'user',
        'expected 1 to 255 ASCII characters without spaces, and not the id of a client',
      );
    const grant = new provider.Grant({ accountId: user, clientId: request.client });
    if (api) grant.addResourceScope(api.resource, scopes.join(' '));
    else grant.addOIDCScope(scopes.join(' '));
    return { accountId: user, grantId: await grant.save(), gty: 'authorization_code' };
  }

  async function configuredClaims(): Promise<object | undefined> {
    return (await configuration.extraTokenClaims?.(undefined as never, token as never)) ?? undefined;
  }
}

function requestedApi({ api: resource, user, defect }: TokenRequest, styles: AccessTokenStyles): ApiConfig | undefined {
  if (resource === undefined) {
    if (user === undefined) throw new TokenRequestError('api', 'expected an API, since the request has no user either');
    if (defect) throw new TokenRequestError('defect', 'expected no defect, since a token for userinfo is not a JWT');
    return undefined;
  }
  const known =
    styles.apiOf({ api: resource } as AccessTokenRecord) ??
    styles.apiOf({ api: resourceOfAudience(resource) } as AccessTokenRecord);
  if (!known) throw new TokenRequestError('api', 'expected the resource of one of the APIs');
  return known;
}

async function issueIntact(
  token: UnsavedToken,
  api: ApiConfig | undefined,
  { styles, store }: Pick<IssueTokenDependencies, 'styles' | 'store'>,
): Promise<Issued> {
  const accessToken = await token.save();
  if (api === undefined) return [accessToken];
  if (api.accessTokens === 'jwt') return [accessToken, accessToken];
  if (api.accessTokens === 'split')
    return [accessToken, `${await store.splitEntries.find(accessToken)}.${accessToken}`];
  return [accessToken, (await styles.renderJwt(token)) ?? ''];
}

interface BrokenTokenOptions extends Pick<IssueTokenDependencies, 'styles' | 'store' | 'signingKey'> {
  readonly secret: string;
  readonly defect: Defect;
}

async function issueBroken(
  token: UnsavedToken,
  api: ApiConfig,
  { styles, store, signingKey, secret, defect }: BrokenTokenOptions,
): Promise<Issued> {
  const key = signingKey(api);
  if (key === undefined) throw new TypeError(`no signing key for ${api.resource}`);
  token.jwtId = randomBytes(16).toString('base64url');
  const intact = await styles.renderJwt(token);
  if (intact?.split('.').length !== 3)
    throw new TokenRequestError('defect', 'expected no defect, since the JWTs of this API are encrypted');
  const jwt = await breakJwt(intact, defect, key);
  if (api.accessTokens === 'jwt') return [jwt, jwt];
  if (api.accessTokens !== 'split') return [await storeBrokenReference(token, defect), jwt];
  const [header, claims, ownSignature] = jwt.split('.');
  const signature = ownSignature || signatureOf(intact);
  await storeBrokenSplit(token, { signature, signingInput: `${header}.${claims}`, store, secret });
  return [signature, jwt];
}

/** Stores the split entry of a broken token with an expired record. */
async function storeBrokenSplit(
  token: UnsavedToken,
  split: {
    readonly signature: string;
    readonly signingInput: string;
    readonly store: TokenStore;
    readonly secret: string;
  },
): Promise<void> {
  const { signature, signingInput, store, secret } = split;
  const record = { kind: token.kind, clientId: token.clientId, iat: 0, exp: 1, signingInput };
  await store.records(token.kind, secret).upsert(signature, record, Number(token.exp) - Number(token.iat));
}

/**
 * A reference token has no type, key or issuer: with such a defect it is a random token that the authorization server does not
 * know. A wrong audience is stored, because the API must detect it.
 */
async function storeBrokenReference(token: UnsavedToken, defect: Defect): Promise<string> {
  if (defect !== 'wrong_audience') return randomBytes(32).toString('base64url');
  token.aud = WRONG_AUDIENCE;
  delete token.api;
  token.format = 'opaque';
  return token.save();
}

function refuseForeignScopes(scopes: readonly string[], api: ApiConfig | undefined): void {
  const known = api?.scopes ?? ['openid', 'profile', 'email'];
  const index = scopes.findIndex((scope) => !known.includes(scope));
  if (index >= 0) throw new TokenRequestError(`scopes[${index}]`, `expected one of: ${known.join(' ')}`);
}

function refuseReserved(claims: TokenRequest['claims']): void {
  const name = Object.keys(claims ?? {}).find((claim) => RESERVED.includes(claim));
  if (name !== undefined)
    throw new TokenRequestError(`claims.${name}`, 'expected a claim that the server does not set itself');
  const refused = refusedShape(claims ?? {});
  if (refused)
    throw new TokenRequestError(`claims.${refused.path.join('.')}`, `expected an allowed claim: ${refused.reason}`);
}
