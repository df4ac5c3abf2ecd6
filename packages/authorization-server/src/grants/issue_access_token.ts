import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';
import { resourceServerOf } from '../tokens/resource_servers.ts';
import type { ActClaim } from './act_claim.ts';
import type { GrantName } from './grant_types.ts';

export interface AccessTokenProperties {
  readonly grant: GrantName;
  /** The `sub`. */
  readonly subject: string;
  readonly api: ApiConfig;
  readonly scopes: readonly string[];
  /** Epoch seconds that the token does not outlive, however long tokens live otherwise. */
  readonly notAfter?: number;
  readonly act?: ActClaim;
  /** False for a subject that is a client: it has no claims of a user, even of one by the same name. */
  readonly subjectIsUser?: boolean;
  /** The grant that the subject token was issued under. Its revocation revokes the new token too. */
  readonly subjectGrantId?: string;
}

/**
 * Issues an access token in the API's style and answers with it (RFC 6749 section 5.1).
 *
 * @param options.now epoch milliseconds
 * @param options.also further members of the answer
 * @throws {errors.InvalidRequest} the client may only have tokens that are bound to a key
 */
export async function issueAccessToken(
  ctx: TokenEndpointGrantContext,
  issuing: AccessTokenProperties,
  { now, also = {} }: { readonly now: () => number; readonly also?: object },
): Promise<void> {
  const { provider, client } = ctx.oidc;
  if (client.dpopBoundAccessTokens === true || client.tlsClientCertificateBoundAccessTokens === true)
    throw new errors.InvalidRequest(
      'this grant issues no sender-constrained tokens, and the client may have no others',
    );
  const { api } = issuing;
  const token = new provider.AccessToken({
    client,
    accountId: issuing.subject,
    gty: issuing.grant,
    resourceServer: new provider.ResourceServer(api.resource, resourceServerOf(api)),
    scope: issuing.scopes.join(' ') || undefined,
    subjectGrantId: issuing.subjectGrantId,
    subjectClientId: issuing.subjectIsUser === false ? issuing.subject : undefined,
  } as unknown as ConstructorParameters<typeof provider.AccessToken>[0]);
  const time = Math.floor(now() / 1000);
  const exp = Math.min(time + token.expiration, issuing.notAfter ?? Number.POSITIVE_INFINITY);
  Object.assign(token, { exp, expiresIn: Math.max(1, exp - time) });
  if (issuing.subjectIsUser === false) token.extra = issuing.act ? { act: issuing.act } : {};
  else if (issuing.act) Object.assign(token, { act: issuing.act });
  ctx.oidc.entity('AccessToken', token);
  ctx.body = {
    access_token: await token.save(),
    ...also,
    token_type: token.tokenType,
    expires_in: token.expiration,
    ...(token.scope === undefined ? undefined : { scope: token.scope }),
  };
}
