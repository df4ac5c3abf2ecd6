import { randomBytes } from 'node:crypto';
import { type Log, sameText } from '@tallystick/common';
import type { Provider, TokenEndpointGrantContext } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import { createFindApi } from '../permissive/apis.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import type { AddUser } from '../sign_in/login_form.ts';
import { createApiLookup } from '../tokens/api_lookup.ts';
import { GRANT_TYPES } from './grant_types.ts';
import { issueAccessToken } from './issue_access_token.ts';
import { grantedScopes, refusedGrant, requiredParameter } from './token_request.ts';

/**
 * Registers the password grant (RFC 6749 section 4.3), if it is enabled. RFC 9700 section 2.4 forbids its use; it exists for
 * tests of old clients. A permissive issuer takes any password of a user without one.
 */
export function registerPassword(
  provider: Provider,
  config: AuthorizationServerConfig,
  { log, now, addUser }: { readonly log: Log; readonly now: () => number; readonly addUser: AddUser },
): void {
  if (config.insecurePasswordGrant !== true && !config.permissive) return;
  if (config.insecurePasswordGrant)
    log.warn({}, 'the password grant is enabled (insecurePasswordGrant): use it for tests of old clients only');
  const passwords = new Map(config.users.map((user) => [user.id, user.password]));

  const lookup = createApiLookup(config, createFindApi(config));

  async function grant(ctx: TokenEndpointGrantContext): Promise<void> {
    const { params } = ctx.oidc;
    const username = requiredParameter(params, 'username');
    const password = requiredParameter(params, 'password');
    if (!(await isSignedIn(ctx, username, password))) throw refusedGrant('unknown user or wrong password');
    const api = lookup.of(params, ctx.oidc.client);
    const scopes = grantedScopes(ctx, api.scopes);
    await issueAccessToken(ctx, { grant: 'password', subject: username, api, scopes }, { now });
  }

  async function isSignedIn(ctx: TokenEndpointGrantContext, username: string, password: string): Promise<boolean> {
    const expected = passwords.get(username);
    if (expected === undefined && isPermissiveClient(ctx.oidc.client)) return addUser(username);
    // An unknown user takes as long as a wrong password, and gets the same response.
    const isRight = sameText(password, expected ?? randomBytes(16).toString('base64url'));
    return expected !== undefined && isRight;
  }

  provider.registerGrantType(
    GRANT_TYPES.password,
    grant,
    ['username', 'password', 'scope', 'resource', 'audience'],
    ['resource'],
  );
}
