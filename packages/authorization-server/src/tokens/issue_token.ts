import { randomBytes } from 'node:crypto';
import { refusedShape, signatureOf } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import type { JWK } from 'jose';
import type { Configuration, Provider } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import type { AccessTokenRecord, AccessTokenStyles } from './access_token_styles.ts';
import { breakJwt, type Defect, WRONG_AUDIENCE } from './broken_jwt.ts';
import type { Lifetimes } from './lifetimes.ts';
import { resourceServerOf } from './resource_servers.ts';

/** An access token to be issued without a flow. */
export interface TokenRequest {
  /** The client that it is for. */
  readonly client: string;
  /** The user whose token it is; without one it is the client's own, as by client credentials. */
  readonly user?: string | undefined;
  /** Resource indicator of the API; without one it is for userinfo. */
  readonly api?: string | undefined;
  /** Default: none, and `openid` for userinfo. */
  readonly scopes?: readonly string[] | undefined;
  /** Claims beside those that the API's configuration names, or in their place. */
  readonly claims?: { readonly [name: string]: unknown } | undefined;
  /** Seconds. Default: the client's, or else the API's. */
  readonly lifetime?: number | undefined;
  /** What the token is bound to (`cnf`, RFC 7800): the thumbprint of a key (RFC 9449) or of a certificate (RFC 8705). */
  readonly confirmation?: { readonly jkt: string } | { readonly 'x5t#S256': string } | undefined;
  /** What is to be wrong with it. */
  readonly defect?: Defect | undefined;
}

export interface IssuedToken {
  /** What the client holds. */
  readonly accessToken: string;
  /** What the API gets. Absent for a token that is for no API. */
  readonly jwt?: string;
  readonly tokenType: 'Bearer' | 'DPoP';
  /** Epoch seconds. */
  readonly expiresAt: number;
}

/** A token that no flow could have issued, and that is not broken in a way that was asked for. */
export class TokenRequestError extends Error {
  readonly code = 'invalid_request';
  override name = 'TokenRequestError';
  /** Which part of the request cannot be: `scopes[1]`. */
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
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** The private key that signs for an API at the moment. */
  readonly signingKey: (api: ApiConfig) => JWK | undefined;
}

/** What is the token's own to say, and no extra claim's. */
const RESERVED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'scope', 'client_id', 'cnf', 'active', 'token_type'];

type UnsavedToken = AccessTokenRecord & { kind: string; extra?: object; save(): Promise<string>; tokenType: string };

/** Issues what a flow would have issued, by the same code from the token's model on; or something broken. */
export function createIssueToken(
  { secret }: Pick<AuthorizationServerConfig, 'secret'>,
  dependencies: IssueTokenDependencies,
): IssueToken {
  const { provider, configuration, lifetimes, styles, store, now, signingKey } = dependencies;

  async function prepare(request: TokenRequest): Promise<{ token: UnsavedToken; api: ApiConfig | undefined }> {
    const client = await provider.Client.find(request.client);
    if (client === undefined) throw new TokenRequestError('client', 'expected one of the clients');
    const api = apiNamed(request.api);
    const scopes = request.scopes ?? (api ? [] : ['openid']);
    refuseForeignScopes(scopes, api);
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
      ...(request.user !== undefined && (await userProperties(request.user, client.clientId, scopes, api))),
    });
    if (request.claims) token.extra = { ...(await claimsOf(token)), ...request.claims };
    return { token, api };

    function apiNamed(resource: string | undefined): ApiConfig | undefined {
      if (resource === undefined) {
        if (request.user === undefined) throw new TokenRequestError('api', 'expected an API: there is no user either');
        if (request.defect) throw new TokenRequestError('defect', 'expected none: a token for userinfo is no JWT');
        return undefined;
      }
      const known = styles.apiOf({ api: resource } as AccessTokenRecord);
      if (!known) throw new TokenRequestError('api', 'expected the resource of one of the APIs');
      return known;
    }
  }

  /** A user's token belongs to a grant, as after a consent. */
  async function userProperties(user: string, clientId: string, scopes: readonly string[], api?: ApiConfig) {
    if (!(await configuration.findAccount?.(undefined as never, user)))
      throw new TokenRequestError('user', 'expected one of the users');
    const grant = new provider.Grant({ accountId: user, clientId });
    if (api) grant.addResourceScope(api.resource, scopes.join(' '));
    else grant.addOIDCScope(scopes.join(' '));
    return { accountId: user, grantId: await grant.save(), gty: 'authorization_code' };
  }

  async function claimsOf(token: UnsavedToken): Promise<object | undefined> {
    return (await configuration.extraTokenClaims?.(undefined as never, token as never)) ?? undefined;
  }

  async function issue(token: UnsavedToken, api: ApiConfig | undefined): Promise<string | readonly [string, string]> {
    const accessToken = await token.save();
    if (api === undefined) return accessToken;
    if (api.accessTokens === 'jwt') return [accessToken, accessToken];
    if (api.accessTokens === 'split')
      return [accessToken, `${await store.splitEntries.find(accessToken)}.${accessToken}`];
    return [accessToken, (await styles.renderJwt(token)) ?? ''];
  }

  async function issueBroken(token: UnsavedToken, api: ApiConfig, defect: Defect) {
    const { accessTokens } = api;
    const key = signingKey(api);
    if (key === undefined) throw new TypeError('there is no key to sign with');
    token.jwtId = randomBytes(16).toString('base64url');
    const good = await styles.renderJwt(token);
    if (good?.split('.').length !== 3) throw new TokenRequestError('defect', 'expected none: its JWTs are encrypted');
    const jwt = await breakJwt(good, defect, key);
    if (accessTokens === 'jwt') return [jwt, jwt] as const;
    if (accessTokens === 'split') return keepSplit(token, jwt, good);
    return [await keepReference(token, defect), jwt] as const;
  }

  /** Puts the halves in their places. The record that goes with the entry is one that has expired. */
  async function keepSplit(token: UnsavedToken, jwt: string, good: string) {
    const [header, claims, ownSignature] = jwt.split('.');
    const signature = ownSignature || signatureOf(good);
    const record = { kind: token.kind, clientId: token.clientId, iat: 0, exp: 1, signingInput: `${header}.${claims}` };
    await store.records(token.kind, secret).upsert(signature, record, Number(token.exp) - Number(token.iat));
    return [signature, jwt] as const;
  }

  /**
   * A reference has no type, key or issuer to be wrong: it is one that the authorization server does not vouch for. Only
   * another audience is for the API to find out, so that is on record.
   */
  async function keepReference(token: UnsavedToken, defect: Defect): Promise<string> {
    if (defect !== 'wrong_audience') return randomBytes(32).toString('base64url');
    token.aud = WRONG_AUDIENCE;
    delete token.api;
    token.format = 'opaque';
    return token.save();
  }

  return async (request) => {
    const { token, api } = await prepare(request);
    const issued = request.defect && api ? await issueBroken(token, api, request.defect) : await issue(token, api);
    const [accessToken, jwt] = typeof issued === 'string' ? [issued] : issued;
    return {
      accessToken,
      ...(jwt !== undefined && { jwt }),
      tokenType: token.tokenType === 'DPoP' ? 'DPoP' : 'Bearer',
      expiresAt: token.exp ?? 0,
    };
  };
}

function refuseForeignScopes(scopes: readonly string[], api: ApiConfig | undefined): void {
  const known = api?.scopes ?? ['openid', 'profile', 'email'];
  const index = scopes.findIndex((scope) => !known.includes(scope));
  if (index >= 0) throw new TokenRequestError(`scopes[${index}]`, `expected one of: ${known.join(' ')}`);
}

function refuseReserved(claims: TokenRequest['claims']): void {
  const name = Object.keys(claims ?? {}).find((claim) => RESERVED.includes(claim));
  if (name !== undefined) throw new TokenRequestError(`claims.${name}`, 'expected none: the token itself says that');
  const refused = refusedShape(claims ?? {});
  if (refused)
    throw new TokenRequestError(`claims.${refused.path.join('.')}`, `expected no such claim: ${refused.reason}`);
}
