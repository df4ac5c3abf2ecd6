import { errors, type TokenEndpointGrantContext } from 'oidc-provider';
import type { ApiConfig } from '../config/config.ts';
import { resourceServerOf } from '../tokens/resource_servers.ts';
import type { ActClaim } from './act_claim.ts';
import type { GrantName } from './grant_types.ts';

export interface AccessTokenProperties {
  readonly grant: GrantName;
  /** The `sub` claim. */
  readonly subject: string;
  readonly api: ApiConfig;
  readonly scopes: readonly string[];
  /** The latest expiry, in epoch seconds. */
  readonly notAfter?: number;
  readonly act?: ActClaim;
  /** False for a subject that is a client: it gets no user claims, even if a user has the same identifier. */
  readonly subjectIsUser?: boolean;
  /** The grant of the subject token. Its revocation also revokes the new token. */
  readonly subjectGrantId?: string;
}

/**
 * Issues an access token in the API's style, and sets the response body (RFC 6749 section 5.1).
 *
 * @param options.now the current time in epoch milliseconds
 * @param options.extraMembers further members of the response
 * @throws {errors.InvalidRequest} the client requires sender-constrained tokens
 */
export async function issueAccessToken(
  ctx: TokenEndpointGrantContext,
  properties: AccessTokenProperties,
  { now, extraMembers = {} }: { readonly now: () => number; readonly extraMembers?: object },
): Promise<void> {
  const { provider, client } = ctx.oidc;
  if (client.dpopBoundAccessTokens === true || client.tlsClientCertificateBoundAccessTokens === true)
    throw new errors.InvalidRequest('the client requires sender-constrained tokens, which this grant does not issue');
  const { api } = properties;
  const token = new provider.AccessToken({
    client,
    accountId: properties.subject,
    gty: properties.grant,
    resourceServer: new provider.ResourceServer(api.resource, resourceServerOf(api)),
    scope: properties.scopes.join(' ') || undefined,
    subjectGrantId: properties.subjectGrantId,
    subjectClientId: properties.subjectIsUser === false ? properties.subject : undefined,
  } as unknown as ConstructorParameters<typeof provider.AccessToken>[0]);
  const time = Math.floor(now() / 1000);
  const exp = Math.min(time + token.expiration, properties.notAfter ?? Number.POSITIVE_INFINITY);
  Object.assign(token, { exp, expiresIn: Math.max(1, exp - time) });
  if (properties.subjectIsUser === false) token.extra = properties.act ? { act: properties.act } : {};
  else if (properties.act) Object.assign(token, { act: properties.act });
  ctx.oidc.entity('AccessToken', token);
  ctx.body = {
    access_token: await token.save(),
    ...extraMembers,
    token_type: token.tokenType,
    expires_in: token.expiration,
    ...(token.scope === undefined ? undefined : { scope: token.scope }),
  };
}
