import { signatureOf } from '@tallystick/common';
import type { RecordOwner, TokenStore } from '@tallystick/token-store';
import type { JWKS, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { type Accounts, createPairwiseSubjects } from '../sign_in/accounts.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createOwnJwtVerifier, type OwnJwt } from './own_jwt.ts';
import { findRenderedToken } from './rendered_tokens.ts';
import { timeOfJwtId } from './timed_jwt_id.ts';

/** The claims of a valid JWT access token of this authorization server. */
export interface OwnAccessToken extends OwnJwt {
  readonly client_id: string;
}

/** @returns undefined for anything but a valid JWT access token of this authorization server */
export type ReadOwnAccessToken = (jwt: string) => Promise<OwnAccessToken | undefined>;

export interface OwnAccessTokenDependencies {
  readonly store: TokenStore;
  readonly accounts: Pick<Accounts, 'exists'>;
  readonly jwks: JWKS;
  /** Reads the signing keys from the store: another authorization server may have made one a moment ago. */
  readonly latestKeys: () => Promise<JWKS>;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Creates the validation of JWT access tokens at the introspection endpoint (RFC 7662 section 4): signature, type, issuer and
 * times; client and user still exist and have not been removed since; and the reference token of the JWT, if it has one, is
 * valid.
 *
 * Nothing in the JWT is used before its signature is verified, which takes linear time. An encrypted JWT cannot be validated,
 * since only its API can decrypt it.
 */
export function createOwnAccessTokenReader(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, accounts, jwks, latestKeys, now }: OwnAccessTokenDependencies,
): ReadOwnAccessToken {
  const verify = createOwnJwtVerifier(config.issuer, { jwks, latestKeys, now });
  const pairwiseSubjectOf = createPairwiseSubjects(config.secret);

  /** Client and subject of the token; undefined if one of them no longer exists. */
  async function ownersOf({ client_id: clientId, sub }: OwnAccessToken): Promise<RecordOwner[] | undefined> {
    const client = await provider.Client.find(clientId);
    if (client === undefined) return undefined;
    const owner: RecordOwner = { client: clientId };
    if (sub === clientId) return [owner];
    const user = client.subjectType === 'pairwise' ? await userOfPairwiseSubject(sub, client) : sub;
    if (user !== undefined && (await accounts.exists(user))) return [owner, { user }];
    // The subject of an exchanged token may be a client.
    return (await provider.Client.find(sub)) ? [owner, { client: sub }] : undefined;
  }

  /** Compares with every configured user, as a pairwise subject cannot be reversed. Does not find users entered at the login page. */
  async function userOfPairwiseSubject(subject: string, client: unknown): Promise<string | undefined> {
    for (const { id } of config.users) {
      if ((await pairwiseSubjectOf(undefined, id, client)) === subject) return id;
    }
    return undefined;
  }

  /** Whether the JWT has not been revoked: its owners since it was issued, or the reference token or grant behind it. */
  async function isInForce(jwt: string, token: OwnAccessToken, owners: readonly RecordOwner[]): Promise<boolean> {
    const issuedAt = timeOfJwtId(token.jti);
    if (issuedAt !== undefined) return !(await store.isRevokedSince(owners, issuedAt));
    const record =
      (await findSplit(signatureOf(jwt))) ?? (await findRenderedToken(token.jti, { store, secret: config.secret }));
    if (record === undefined) return false;
    return record.issuedUnder === undefined || (await provider.Grant.find(record.issuedUnder)) !== undefined;
  }

  /** The record of a `split` token, which the signature of its JWT identifies. */
  async function findSplit(signature: string): Promise<{ readonly issuedUnder?: string | undefined } | undefined> {
    const found = (await provider.AccessToken.find(signature)) ?? (await provider.ClientCredentials.find(signature));
    const { grantId, subjectGrantId } = (found ?? {}) as {
      readonly grantId?: string;
      readonly subjectGrantId?: string;
    };
    return found && { issuedUnder: grantId ?? subjectGrantId };
  }

  async function read(jwt: string): Promise<OwnAccessToken | undefined> {
    const claims = await verify(jwt, 'access token');
    if (typeof claims?.client_id !== 'string') return undefined;
    const token = claims as OwnAccessToken;
    const owners = await ownersOf(token);
    return owners !== undefined && (await isInForce(jwt, token, owners)) ? token : undefined;
  }

  return (jwt) => mapStoreErrors(read(jwt));
}
