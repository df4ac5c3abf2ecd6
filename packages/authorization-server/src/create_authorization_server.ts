import type { RequestListener } from 'node:http';
import type { TokenStore } from '@tallystick/token-store';
import { Provider } from 'oidc-provider';
import { serveAccessTokenStyles } from './access_token_styles.ts';
import { backchannelPage } from './backchannel_page.ts';
import { type BackchannelRequests, createBackchannelRequests } from './backchannel_requests.ts';
import { checkClients } from './check_clients.ts';
import type { AuthorizationServerConfig } from './config.ts';
import { filledInUserCode } from './device_flow.ts';
import { describeError, errorBoundary } from './error_boundary.ts';
import { interactions } from './interactions.ts';
import { introspectionAsJwt } from './introspection_as_jwt.ts';
import type { Log } from './log.ts';
import { pollingInterval } from './polling_interval.ts';
import { providerConfiguration } from './provider_configuration.ts';
import { loadSigningKeys } from './signing_keys.ts';
import { trueDiscovery } from './true_discovery.ts';

export interface AuthorizationServer {
  /** Answers requests; whoever made the server listens. */
  readonly handler: RequestListener;
  /** Approves and denies what clients ask users for on the backchannel (CIBA). */
  readonly backchannelRequests: BackchannelRequests;
}

export interface AuthorizationServerDependencies {
  readonly store: TokenStore;
  readonly log: Log;
  /** Calls clients: for their keys and metadata, and to notify them. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

/**
 * Makes an OAuth 2.0 / OpenID Connect authorization server. Several on one store act as one.
 *
 * @throws {StoreUnavailableError} the signing keys cannot be read from the store
 * @throws {WrongSecretError} the store belongs to servers with another secret
 * @throws {WrongClientError} a client's metadata cannot be
 */
export async function createAuthorizationServer(
  config: AuthorizationServerConfig,
  { store, log, fetch }: AuthorizationServerDependencies,
): Promise<AuthorizationServer> {
  const jwks = await loadSigningKeys(store, config);
  const provider = new Provider(config.issuer, providerConfiguration(config, { store, jwks, fetch }));
  await checkClients(provider, config.clients);
  const styles = serveAccessTokenStyles(provider, config.apis, log);
  provider.use(errorBoundary(log));
  provider.use(introspectionAsJwt(store, styles, config.introspectionMaxAge));
  provider.use(trueDiscovery());
  provider.use(pollingInterval(config.pollingInterval));
  provider.use(filledInUserCode());
  provider.use(interactions(provider, config));
  const backchannelRequests = createBackchannelRequests(config, { provider, store, log });
  if (config.features.ciba) provider.use(backchannelPage(backchannelRequests, config.users));
  provider.on('server_error', (_ctx, error) => log.error(describeError(error), 'request failed'));
  provider.on('backchannel.error', (_ctx, error, client) =>
    log.warn({ client: client.clientId, ...describeError(error) }, 'the client could not be told of a logout'),
  );
  return { handler: provider.callback(), backchannelRequests };
}
