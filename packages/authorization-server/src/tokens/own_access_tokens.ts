import { signatureOf } from '@tallystick/common';
import type { RecordOwner, TokenStore } from '@tallystick/token-store';
import type { JWKS, Provider } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { type Accounts, createPairwiseSubjects } from '../sign_in/accounts.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createOwnJwtVerifier, type OwnJwt } from './own_jwt.ts';
import { findRenderedToken } from './rendered_tokens.ts';
import { timeOfJwtId } from './timed_jwt_id.ts';

/** What a JWT access token of ours says, found to be good. */
export interface OwnAccessToken extends OwnJwt {
  readonly client_id: string;
}

/** @returns undefined for whatever is not a JWT access token of ours that is good now */
export type ReadOwnAccessToken = (jwt: string) => Promise<OwnAccessToken | undefined>;

export interface OwnAccessTokenDependencies {
  readonly store: TokenStore;
  readonly accounts: Pick<Accounts, 'exists'>;
  readonly jwks: JWKS;
  /** The signing keys as the store has them, with what another authorization server made a moment ago. */
  readonly latestKeys: () => Promise<JWKS>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/**
 * Makes what judges a JWT access token that somebody shows (RFC 7662 section 4): that it is signed by us, its type, issuer
 * and times, that its client and its user are still there and were not removed since, and that the reference token that it
 * stands for, if it stands for one, is good.
 *
 * Nothing of the JWT is looked at before its signature is verified, which takes time in proportion to its length. An
 * encrypted one cannot be judged, as only its API can read it.
 */
export function createOwnAccessTokenReader(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, accounts, jwks, latestKeys, now }: OwnAccessTokenDependencies,
): ReadOwnAccessToken {
  const verify = createOwnJwtVerifier(config.issuer, { jwks, latestKeys, now });
  const pairwiseSubjectOf = createPairwiseSubjects(config.secret);

  /** Whoever the token is about; undefined when one of them is not there any more. */
  async function ownersOf({ client_id: clientId, sub }: OwnAccessToken): Promise<RecordOwner[] | undefined> {
    const client = await provider.Client.find(clientId);
    if (client === undefined) return undefined;
    const owner: RecordOwner = { client: clientId };
    if (sub === clientId) return [owner];
    const user = client.subjectType === 'pairwise' ? await userKnownAs(sub, client) : sub;
    if (user !== undefined && (await accounts.exists(user))) return [owner, { user }];
    // The subject of an exchanged token may be a client.
    return (await provider.Client.find(sub)) ? [owner, { client: sub }] : undefined;
  }

  /** A pairwise subject does not lead back to its user. One who was typed in at the login page is not found. */
  async function userKnownAs(subject: string, client: unknown): Promise<string | undefined> {
    for (const { id } of config.users) {
      if ((await pairwiseSubjectOf(undefined, id, client)) === subject) return id;
    }
    return undefined;
  }

  /** Whether what the JWT was issued for still stands. */
  async function stands(jwt: string, token: OwnAccessToken, owners: readonly RecordOwner[]): Promise<boolean> {
    const issuedAt = timeOfJwtId(token.jti);
    if (issuedAt !== undefined) return !(await store.isRevokedSince(owners, issuedAt));
    const record =
      (await findSplit(signatureOf(jwt))) ?? (await findRenderedToken(token.jti, { store, secret: config.secret }));
    if (record === undefined) return false;
    return record.issuedUnder === undefined || (await provider.Grant.find(record.issuedUnder)) !== undefined;
  }

  /** The record of a `split` token, which its signature names. */
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
    return owners !== undefined && (await stands(jwt, token, owners)) ? token : undefined;
  }

  return (jwt) => mapStoreErrors(read(jwt));
}
