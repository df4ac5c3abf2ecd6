import type { TokenStore } from '@tallystick/token-store';
import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { mapStoreErrors } from '../storage/store_errors.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import { refusedGrant, requestedApi, requestedScopes, requiredParameter } from './token_request.ts';
import { type Assertion, type AssertionDependencies, createAssertionReader } from './trusted_assertion.ts';

export interface JwtBearerDependencies extends AssertionDependencies {
  readonly store: TokenStore;
}

/**
 * The JWT bearer grant (RFC 7523 section 2.1), when an issuer is trusted: what another authority says of a user, in a
 * JWT that works once, is exchanged for an access token.
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

  async function grant(ctx: TokenEndpointGrantContext): Promise<void> {
    const { params } = ctx.oidc;
    const assertion = await readAssertion(requiredParameter(params, 'assertion'));
    if (!users.has(assertion.user)) throw refusedGrant('the subject of the assertion is no user here');
    const api = requestedApi(config.apis, params);
    if (api === undefined) throw new errors.InvalidTarget('name the API in the resource parameter (RFC 8707)');
    const scopes = requestedScopes(params.scope, new Set(api.scopes)) ?? [];
    await refuseReplay(assertion);
    await issueAccessToken(ctx, { grant: 'jwt_bearer', subject: assertion.user, api, scopes }, dependencies);
  }

  /** Of several requests with one assertion at the same moment, the store lets one through. */
  async function refuseReplay({ id, exp }: Assertion): Promise<void> {
    const expiresIn = Math.max(1, exp - Math.floor(dependencies.now() / 1000));
    await mapStoreErrors(replays.upsert(id, {}, expiresIn));
    if (!(await mapStoreErrors(replays.consume(id)))) throw refusedGrant('the assertion was used before');
  }

  provider.registerGrantType(GRANT_TYPES.jwt_bearer, grant, ['assertion', 'scope', 'resource'], ['resource']);
}
