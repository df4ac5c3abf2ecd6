import type { RequestListener } from 'node:http';
import type { TokenStore } from '@tallystick/token-store';
import type { JWK } from 'jose';
import { Provider } from 'oidc-provider';
import { serveAccessTokenStyles } from './access_token_styles.ts';
import type { AuthorizationServerConfig } from './config.ts';
import { describeError, errorBoundary } from './error_boundary.ts';
import { interactions } from './interactions.ts';
import { introspectionAsJwt } from './introspection_as_jwt.ts';
import { createIssueToken, type IssueToken } from './issue_token.ts';
import type { Log } from './log.ts';
import { providerConfiguration } from './provider_configuration.ts';
import { loadSigningKeys } from './signing_keys.ts';

export interface AuthorizationServer {
  /** Answers requests; whoever made the server listens. */
  readonly handler: RequestListener;
  /**
   * Issues an access token without a flow, for tests: what a flow would have issued, or one that is broken on purpose.
   *
   * @throws {TokenRequestError} no flow could have issued it
   */
  readonly issueToken: IssueToken;
}

/**
 * Makes an OAuth 2.0 / OpenID Connect authorization server. Several on one store act as one.
 *
 * @throws {StoreUnavailableError} the signing keys cannot be read from the store
 * @throws {WrongSecretError} the store belongs to servers with another secret
 */
export async function createAuthorizationServer(
  config: AuthorizationServerConfig,
  { store, log }: { store: TokenStore; log: Log },
): Promise<AuthorizationServer> {
  const jwks = await loadSigningKeys(store, config);
  const configuration = providerConfiguration(config, store, jwks);
  const provider = new Provider(config.issuer, configuration);
  const styles = serveAccessTokenStyles(provider, config.apis, log);
  provider.use(errorBoundary(log));
  provider.use(introspectionAsJwt(store, styles, config.introspectionMaxAge));
  provider.use(interactions(provider, config.users));
  provider.on('server_error', (_ctx, error) => log.error(describeError(error), 'request failed'));
  const signingKey = () => jwks.keys[0] as JWK | undefined;
  return {
    handler: provider.callback(),
    issueToken: createIssueToken({ provider, configuration, styles, store, signingKey }),
  };
}
