import * as oidc from 'openid-client';
import type { FindClient } from './client.ts';
import type { TokenHandlerConfig } from './config.ts';

/**
 * Where a browser goes to end the session at the authorization server too (OpenID Connect RP-Initiated Logout). It names the client
 * instead of showing an ID token, so that the page gets no token to see.
 */
export function logoutUrl(
  client: oidc.Configuration,
  { application }: TokenHandlerConfig,
  origin: string,
): string | undefined {
  if (client.serverMetadata().end_session_endpoint === undefined) return undefined;
  const parameters = { post_logout_redirect_uri: new URL(application, origin).href };
  return oidc.buildEndSessionUrl(client, parameters).href;
}

/** Revokes the refresh token, and with it what was issued for it (RFC 7009 section 2.1). */
export async function revoke(findClient: FindClient, refreshToken: string): Promise<void> {
  await oidc.tokenRevocation(await findClient(), refreshToken, { token_type_hint: 'refresh_token' });
}
