import type { TokenStore } from '@tallystick/token-store';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { createFindApi } from '../permissive/apis.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createApiLookup } from '../tokens/api_lookup.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { type AccessTokenProperties, issueAccessToken } from './issue_access_token.ts';
import { JWT, type TokenReader } from './presented_token.ts';
import { grantedScopes, refusedGrant, requiredParameter } from './token_request.ts';
import { type Assertion, type AssertionDependencies, createAssertionReader, issuerOf } from './trusted_assertion.ts';

export interface JwtBearerDependencies extends AssertionDependencies {
  readonly store: TokenStore;
  /** Reads the assertions that the clients of a permissive issuer send. */
  readonly readForeignToken: TokenReader;
}

/**
 * Registers the JWT bearer grant (RFC 7523 section 2.1), if the configuration has trusted issuers. A client exchanges an
 * issuer's assertion about a user for an access token. Each assertion is accepted once. A permissive issuer also takes JWTs of
 * other issuers, any number of times.
 */
export function registerJwtBearer(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, readForeignToken, ...dependencies }: JwtBearerDependencies,
): void {
  if (!config.trustedIssuers?.length && !config.permissive) return;
  const audience = [config.issuer, `${config.issuer}/token`];
  const readAssertion = createAssertionReader(config.trustedIssuers, audience, dependencies);
  const trusted = new Set(config.trustedIssuers.map(({ issuer }) => issuer));
  const users = new Set(config.users.map((user) => user.id));
  const replays = store.records('ReplayDetection', config.secret);

  const lookup = createApiLookup(config, createFindApi(config));

  async function grant(ctx: TokenEndpointGrantContext): Promise<void> {
    const { params } = ctx.oidc;
    const jwt = requiredParameter(params, 'assertion');
    if (isPermissiveClient(ctx.oidc.client) && !trusted.has(issuerOf(jwt))) return grantFor(ctx, await subjectOf(jwt));
    const assertion = await readAssertion(jwt);
    if (!users.has(assertion.user))
      throw refusedGrant('the subject of the assertion is not a user of this authorization server');
    await grantFor(ctx, { subject: assertion.user }, () => refuseReplay(assertion));
  }

  async function grantFor(
    ctx: TokenEndpointGrantContext,
    subject: Pick<AccessTokenProperties, 'subject' | 'subjectIsUser' | 'notAfter' | 'subjectGrantId'>,
    beforeIssuing: () => Promise<void> = async () => {},
  ): Promise<void> {
    const api = lookup.of(ctx.oidc.params, ctx.oidc.client);
    const scopes = grantedScopes(ctx, api.scopes);
    await beforeIssuing();
    await issueAccessToken(ctx, { grant: 'jwt_bearer', ...subject, api, scopes }, dependencies);
  }

  /** The subject of an access token that a client sends as an assertion, as it does for Entra's on-behalf-of flow. */
  async function subjectOf(jwt: string) {
    const { subject, subjectIsUser, exp, grantId } = await readForeignToken(jwt, JWT, 'assertion');
    return { subject, subjectIsUser, notAfter: exp, ...(grantId !== undefined && { subjectGrantId: grantId }) };
  }

  /** The store lets exactly one of several concurrent requests with the same assertion pass. */
  async function refuseReplay({ id, exp }: Assertion): Promise<void> {
    const expiresIn = Math.max(1, exp - Math.floor(dependencies.now() / 1000));
    await mapStoreErrors(replays.upsert(id, {}, expiresIn));
    if (!(await mapStoreErrors(replays.consume(id)))) throw refusedGrant('the assertion has already been used');
  }

  provider.registerGrantType(
    GRANT_TYPES.jwt_bearer,
    grant,
    ['assertion', 'scope', 'resource', 'audience'],
    ['resource'],
  );
}
