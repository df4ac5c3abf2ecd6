import { signatureOf } from '@tallystick/common';
import type { TokenStore } from '@tallystick/token-store';
import { errors, type JWKS, type Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createOwnJwtVerifier, type OwnJwt } from '../tokens/own_jwt.ts';
import { findRenderedToken } from '../tokens/rendered_tokens.ts';
import { createApisByAudience, resourceOf } from '../tokens/resource_servers.ts';
import { timeOfJwtId } from '../tokens/timed_jwt_id.ts';
import { type ActClaim, actClaimOf } from './act_claim.ts';

/** RFC 8693 section 3 */
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
export const JWT = 'urn:ietf:params:oauth:token-type:jwt';
const ID_TOKEN = 'urn:ietf:params:oauth:token-type:id_token';

/** A token of ours, found good, as it counts in an exchange: whatever its style, and whoever presented it. */
export interface PresentedToken {
  readonly subject: string;
  readonly subjectIsUser: boolean;
  /** The client that it was issued to. */
  readonly clientId: string;
  /** The API that it is for; an ID token, and an access token for userinfo, is for none. */
  readonly resource?: string | undefined;
  readonly scopes: ReadonlySet<string>;
  readonly act?: ActClaim | undefined;
  /** Epoch seconds. */
  readonly exp: number;
  readonly grantId?: string | undefined;
}

export type TokenParameter = 'subject_token' | 'actor_token';

type StoredToken = NonNullable<
  Awaited<ReturnType<Provider['AccessToken']['find'] | Provider['ClientCredentials']['find']>>
>;

export interface TokenReaderDependencies {
  readonly store: TokenStore;
  readonly jwks: JWKS;
  /** The signing keys as the store has them, with what another authorization server made a moment ago. */
  readonly latestKeys: () => Promise<JWKS>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Makes what reads a token of ours that a client presents: a reference token from the store, a JWT by its signature. The
 * JWT that stands for a reference token is good as long as that is: a `split` token is its signature, and of the others
 * it was noted when they were rendered.
 */
export function createTokenReader(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, jwks, latestKeys, now }: TokenReaderDependencies,
) {
  const verifyOwnJwt = createOwnJwtVerifier(config.issuer, { jwks, latestKeys, now });
  const users = new Set(config.users.map((user) => user.id));
  const apisOf = createApisByAudience(config.apis);

  /**
   * @param parameter which parameter it came in, for the error
   * @throws {errors.InvalidRequest} the token is not ours, not good any more, or of a type that is not taken
   *   (RFC 8693 section 2.2.2). What is wrong with a token is told only as far as the client can know it.
   */
  return async function readToken(token: string, type: string, parameter: TokenParameter): Promise<PresentedToken> {
    const read = await readAs(token, type, parameter);
    if (read === undefined)
      throw new errors.InvalidRequest(`${parameter} is invalid, expired, revoked or not of this authorization server`);
    if (read === 'constrained')
      throw new errors.InvalidRequest(`${parameter} is bound to a key; such a token cannot be exchanged here`);
    return read;
  };

  async function readAs(token: string, type: string, parameter: TokenParameter) {
    const isJwt = token.split('.').length === 3;
    if (type === ID_TOKEN) return fromIdToken(await verifyOwnJwt(token, 'ID token'));
    if (type === JWT || (type === ACCESS_TOKEN && isJwt))
      return fromJwt(token, await verifyOwnJwt(token, 'access token'));
    if (type === ACCESS_TOKEN) return fromStore(token);
    throw new errors.InvalidRequest(`the ${parameter}_type is not supported`);
  }

  async function fromIdToken(claims: OwnJwt | undefined): Promise<PresentedToken | undefined> {
    if (claims === undefined || typeof claims.aud !== 'string' || !users.has(claims.sub)) return undefined;
    const { sub: subject, aud: clientId, exp, iat = 0 } = claims;
    if (!(await provider.Client.find(clientId))) return undefined;
    const token = { subject, subjectIsUser: true, clientId, scopes: new Set<string>(), exp };
    // It does not say which part of a second it is from: of the second of a removal it counts as one from before.
    return unlessRevoked(token, iat * 1000);
  }

  async function fromJwt(jwt: string, claims: OwnJwt | undefined) {
    if (claims === undefined || typeof claims.client_id !== 'string') return undefined;
    const [api, ...others] = apisOf(claims.aud);
    // Where several APIs have one audience, nothing in the JWT tells whether its token can have been revoked.
    if (api === undefined || others.length > 0) return undefined;
    if (claims.cnf !== undefined) return 'constrained';
    const { accessTokens, resource } = api;
    if (accessTokens === 'split') return fromStore(signatureOf(jwt));
    const issuedAt = timeOfJwtId(claims.jti);
    const rendered =
      issuedAt === undefined ? await findRenderedToken(claims.jti, { store, secret: config.secret }) : {};
    if (rendered === undefined) return undefined;
    const token = await ifLive({
      subject: claims.sub,
      clientId: claims.client_id,
      resource,
      scopes: scopesOf(claims.scope),
      act: actClaimOf(claims),
      exp: claims.exp,
      grantId: rendered.issuedUnder,
    });
    return token && issuedAt !== undefined ? unlessRevoked(token, issuedAt) : token;
  }

  /** A token that has no record, if neither its client nor its subject was removed since. */
  async function unlessRevoked(token: PresentedToken, issuedAt: number): Promise<PresentedToken | undefined> {
    const { clientId, subject, subjectIsUser } = token;
    const owners = [{ client: clientId }, subjectIsUser ? { user: subject } : { client: subject }];
    return (await mapStoreErrors(store.isRevokedSince(owners, issuedAt))) ? undefined : token;
  }

  async function fromStore(token: string) {
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

  /** The token, if its client and its subject are still known here and its grant still stands. */
  async function ifLive(token: Omit<PresentedToken, 'subjectIsUser'>): Promise<PresentedToken | undefined> {
    const { subject, clientId, grantId } = token;
    if (!(await provider.Client.find(clientId))) return undefined;
    const subjectIsUser = subject !== clientId && users.has(subject);
    if (!subjectIsUser && !(await provider.Client.find(subject))) return undefined;
    if (grantId === undefined) return { ...token, subjectIsUser };
    const grant = await provider.Grant.find(grantId);
    return grant?.accountId === subject ? { ...token, subjectIsUser } : undefined;
  }
}

/** The grant that a token was issued under, or for an exchanged one, that of the token it came from. */
function grantIdOf(token: StoredToken): string | undefined {
  const { grantId, subjectGrantId } = token as { grantId?: string; subjectGrantId?: string };
  return grantId ?? subjectGrantId;
}

function scopesOf(scope: unknown): ReadonlySet<string> {
  return new Set(typeof scope === 'string' && scope !== '' ? scope.split(' ') : []);
}
