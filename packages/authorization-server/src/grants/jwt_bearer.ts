import type { TokenStore } from '@tallystick/token-store';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { createApiLookup } from '../tokens/api_lookup.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import { refusedGrant, requestedScopes, requiredParameter } from './token_request.ts';
import { type Assertion, type AssertionDependencies, createAssertionReader } from './trusted_assertion.ts';

export interface JwtBearerDependencies extends AssertionDependencies {
  readonly store: TokenStore;
}

/**
 * Registers the JWT bearer grant (RFC 7523 section 2.1), if the configuration has trusted issuers. A client exchanges an
 * issuer's assertion about a user for an access token. Each assertion is accepted once.
 */
export function registerJwtBearer(
  provider: Provider,
  config: AuthorizationServerConfig,
  { store, ...dependencies }: JwtBearerDependencies,
): void {
  if (!config.trustedIssuers?.length) return;
  const audience = [config.issuer, `${config.issuer}/token`];
  const readAssertion = createAssertionReader(config.trustedIssuers, audience, dependencies);
  const users = new Set(config.users.map((user) => user.id));
  const replays = store.records('ReplayDetection', config.secret);

  const lookup = createApiLookup(config);

  async function grant(ctx: TokenEndpointGrantContext): Promise<void> {
    const { params } = ctx.oidc;
    const assertion = await readAssertion(requiredParameter(params, 'assertion'));
    if (!users.has(assertion.user))
      throw refusedGrant('the subject of the assertion is not a user of this authorization server');
    const api = lookup.named(params) ?? lookup.defaultFor(ctx.oidc.client.clientId);
    if (api === undefined) throw lookup.missing();
    const scopes = requestedScopes(params.scope, new Set(api.scopes)) ?? [];
    await refuseReplay(assertion);
    await issueAccessToken(ctx, { grant: 'jwt_bearer', subject: assertion.user, api, scopes }, dependencies);
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
