import { signatureOf } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import { errors, type JWKS, type Provider } from 'oidc-provider';
import type { ApiConfig, AuthorizationServerConfig } from '../config/config.ts';
import { createFindApi, resourceOfAudience } from '../permissive/apis.ts';
import type { Accounts } from '../sign_in/accounts.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createOwnJwtVerifier, type OwnJwt } from '../tokens/own_jwt.ts';
import { findRenderedToken } from '../tokens/rendered_tokens.ts';
import { createApisByAudience, resourceOf } from '../tokens/resource_servers.ts';
import { timeOfJwtId } from '../tokens/timed_jwt_id.ts';
import { type ActClaim, actClaimOf } from './act_claim.ts';
import { refusedGrant } from './token_request.ts';

/** RFC 8693 section 3 */
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

/** A valid token of this authorization server, independent of its style and of the client that presented it. */
export interface PresentedToken {
  readonly subject: string;
  readonly subjectIsUser: boolean;
  /** The client that the token was issued to. */
  readonly clientId: string;
  /** Resource indicator of the API. Absent for an ID token and for an access token for userinfo. */
  readonly resource?: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly act?: ActClaim | undefined;
  /** Epoch seconds. */
  readonly exp: number;
  readonly grantId?: string | undefined;
}

export type TokenParameter = 'subject_token' | 'actor_token' | 'assertion';

type StoredToken = NonNullable<
  Awaited<ReturnType<Provider['AccessToken']['find'] | Provider['ClientCredentials']['find']>>
>;

export type TokenReader = ReturnType<typeof createTokenReader>;

export interface TokenReaderDependencies {
  readonly store: TokenStore;
  readonly accounts: Pick<Accounts, 'exists'>;
  readonly jwks: JWKS;
  /** Reads the signing keys from the store: another authorization server may have made one a moment ago. */
  readonly latestKeys: () => Promise<JWKS>;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Creates the reader for tokens of this authorization server that a client presents. A reference token is looked up in the
 * store; a JWT is verified by its signature. A JWT that stands for a reference token is valid as long as the reference token:
 * the signature of the JWT is the `split` token, and a record of the rendered JWT leads to the other kinds.
 */
export function createTokenReader(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, accounts, jwks, latestKeys, now }: TokenReaderDependencies,
) {
  const verifyOwnJwt = createOwnJwtVerifier(config.issuer, { jwks, latestKeys, now });
  const validate = createTokenValidation(provider, config, { store, accounts });

  /**
   * @param parameter the parameter that contains the token, for the error message
   * @throws {errors.InvalidRequest} the token is invalid or of an unsupported type (RFC 8693 section 2.2.2). The message
   *   reveals nothing about the token that the client cannot know.
   * @throws {errors.InvalidGrant} the same for an assertion (RFC 7523 section 3.1)
   */
  return async function readToken(token: string, type: string, parameter: TokenParameter): Promise<PresentedToken> {
    const read = await readAs(token, type, parameter);
    if (read === undefined)
      throw refusedToken(parameter, 'is invalid, expired, revoked or from another authorization server');
    if (read === 'constrained')
      throw refusedToken(parameter, 'is bound to a key; this server does not exchange sender-constrained tokens');
    return read;
  };

  async function readAs(token: string, type: string, parameter: TokenParameter) {
    const isJwt = token.split('.').length === 3;
    if (type === ID_TOKEN) return validate.idToken(await verifyOwnJwt(token, 'ID token'));
    if (type === JWT || (type === ACCESS_TOKEN && isJwt))
      return validate.jwt(token, await verifyOwnJwt(token, 'access token'));
    if (type === ACCESS_TOKEN) return validate.reference(token);
    throw new errors.InvalidRequest(`the ${parameter}_type is not supported`);
  }
}

/** The error for a token that is refused: `invalid_grant` for an assertion, otherwise `invalid_request`. */
export function refusedToken(parameter: TokenParameter, problem: string): Error {
  const description = `the ${parameter} ${problem}`;
  return parameter === 'assertion' ? refusedGrant(description) : new errors.InvalidRequest(description);
}

/**
 * Creates the functions that decide whether a token is still valid. They return undefined for a token that is not, and
 * `constrained` for one that is bound to a key.
 */
function createTokenValidation(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, accounts }: Pick<TokenReaderDependencies, 'store' | 'accounts'>,
) {
  const apisOf = createApisByAudience(config.apis);
  const findApi = createFindApi(config);
  const { ifLive, unlessRevoked } = createLiveness(provider, { accounts, store });

  /** The API of a token for an audience that only a permissive issuer knows. */
  function unconfiguredApi(audience: unknown): ApiConfig | undefined {
    return config.permissive && typeof audience === 'string' ? findApi(resourceOfAudience(audience)) : undefined;
  }

  async function idToken(claims: OwnJwt | undefined): Promise<PresentedToken | undefined> {
    if (claims === undefined || typeof claims.aud !== 'string' || !(await accounts.exists(claims.sub)))
      return undefined;
    const { sub: subject, aud: clientId, exp, iat = 0 } = claims;
    if (!(await provider.Client.find(clientId))) return undefined;
    const token = { subject, subjectIsUser: true, clientId, scopes: new Set<string>(), exp };
    // `iat` has whole seconds only. A token from the same second as a removal counts as issued before it.
    return unlessRevoked(token, iat * 1000);
  }

  async function jwt(token: string, claims: OwnJwt | undefined) {
    if (claims === undefined || typeof claims.client_id !== 'string') return undefined;
    const [api = unconfiguredApi(claims.aud), ...others] = apisOf(claims.aud);
    // If several APIs share the audience, the JWT does not show the style, and so whether the token can have been revoked.
    if (api === undefined || others.length > 0) return undefined;
    if (claims.cnf !== undefined) return 'constrained';
    const { accessTokens, resource } = api;
    if (accessTokens === 'split') return reference(signatureOf(token));
    const issuedAt = timeOfJwtId(claims.jti);
    const rendered =
      issuedAt === undefined ? await findRenderedToken(claims.jti, { store, secret: config.secret }) : {};
    if (rendered === undefined) return undefined;
    const live = await ifLive({
      subject: claims.sub,
      clientId: claims.client_id,
      resource,
      scopes: scopesOf(claims.scope),
      act: actClaimOf(claims),
      exp: claims.exp,
      grantId: rendered.issuedUnder,
    });
    return live && issuedAt !== undefined ? unlessRevoked(live, issuedAt) : live;
  }

  async function reference(token: string) {
    const stored = (await provider.AccessToken.find(token)) ?? (await provider.ClientCredentials.find(token));
    if (stored?.clientId === undefined || stored.exp === undefined) return undefined;
    if (stored.isSenderConstrained()) return 'constrained';
    return ifLive({
      subject: 'accountId' in stored ? stored.accountId : stored.clientId,
      clientId: stored.clientId,
      resource: resourceOf(stored),
      scopes: scopesOf(stored.scope),
      act: actClaimOf(stored.extra),
      exp: stored.exp,
      grantId: grantIdOf(stored),
    });
  }

  return { idToken, jwt, reference };
}

/** Creates the checks whether everything behind a token still exists. */
function createLiveness(provider: Provider, { accounts, store }: Pick<TokenReaderDependencies, 'store' | 'accounts'>) {
  /** A token without a record is valid if neither its client nor its subject has been removed since it was issued. */
  async function unlessRevoked(token: PresentedToken, issuedAt: number): Promise<PresentedToken | undefined> {
    const { clientId, subject, subjectIsUser } = token;
    const owners = [{ client: clientId }, subjectIsUser ? { user: subject } : { client: subject }];
    return (await mapStoreErrors(store.isRevokedSince(owners, issuedAt))) ? undefined : token;
  }

  /** A token is live if its client, its subject and its grant still exist. */
  async function ifLive(token: Omit<PresentedToken, 'subjectIsUser'>): Promise<PresentedToken | undefined> {
    const { subject, clientId, grantId } = token;
    if (!(await provider.Client.find(clientId))) return undefined;
    const subjectIsUser = subject !== clientId && (await accounts.exists(subject));
    if (!subjectIsUser && !(await provider.Client.find(subject))) return undefined;
    if (grantId === undefined) return { ...token, subjectIsUser };
    const grant = await provider.Grant.find(grantId);
    return grant?.accountId === subject ? { ...token, subjectIsUser } : undefined;
  }

  return { ifLive, unlessRevoked };
}

/** The grant of a token. For an exchanged token: the grant of its subject token. */
function grantIdOf(token: StoredToken): string | undefined {
  const { grantId, subjectGrantId } = token as { grantId?: string; subjectGrantId?: string };
  return grantId ?? subjectGrantId;
}

function scopesOf(scope: unknown): ReadonlySet<string> {
  return new Set(typeof scope === 'string' && scope !== '' ? scope.split(' ') : []);
}
