import { randomBytes } from 'node:crypto';
import { type Log, sameText } from '@tallystick/common';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { createApiLookup } from '../tokens/api_lookup.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import { refusedGrant, requestedScopes, requiredParameter } from './token_request.ts';

/**
 * Registers the password grant (RFC 6749 section 4.3), if it is enabled. RFC 9700 section 2.4 forbids its use; it exists for
 * tests of old clients.
 */
export function registerPassword(
  provider: Provider,
  config: AuthorizationServerConfig,
  { log, now }: { readonly log: Log; readonly now: () => number },
): void {
  if (config.insecurePasswordGrant !== true) return;
  log.warn({}, 'the password grant is enabled (insecurePasswordGrant): use it for tests of old clients only');
  const passwords = new Map(config.users.map((user) => [user.id, user.password]));

  const lookup = createApiLookup(config);

  async function grant(ctx: TokenEndpointGrantContext): Promise<void> {
    const { params } = ctx.oidc;
    const username = requiredParameter(params, 'username');
    const password = requiredParameter(params, 'password');
    const expected = passwords.get(username);
    // An unknown user takes as long as a wrong password, and gets the same response.
    const isRight = sameText(password, expected ?? randomBytes(16).toString('base64url'));
    if (expected === undefined || !isRight) throw refusedGrant('unknown user or wrong password');
    const api = lookup.named(params) ?? lookup.defaultFor(ctx.oidc.client.clientId);
    if (api === undefined) throw lookup.missing();
    const scopes = requestedScopes(params.scope, new Set(api.scopes)) ?? [];
    await issueAccessToken(ctx, { grant: 'password', subject: username, api, scopes }, { now });
  }

  provider.registerGrantType(
    GRANT_TYPES.password,
    grant,
    ['username', 'password', 'scope', 'resource', 'audience'],
    ['resource'],
  );
}
