import type { RequestListener } from 'node:http';
import type { Log } from '@tallystick/common';
import type { JWK } from 'jose';
import { type JWKS, Provider } from 'oidc-provider';
import { checkUsers, createIsClientName } from '../clients/client_names.ts';
import { checkClients } from '../clients/clients.ts';
import { checkRedirectUris, matchRedirectUriPatterns } from '../clients/redirect_uris.ts';
import { inferApplicationType, limitRegisteredClients } from '../clients/registered_clients.ts';
import {
  createRegistrations,
  markUsedRegistrations,
  prefixRegistrationAccessTokens,
} from '../clients/registrations.ts';
import type { ApiConfig, AuthorizationServerConfig, UserConfig } from '../config/config.ts';
import { createErrorPages } from '../error_pages/error_pages.ts';
import { registerJwtBearer } from '../grants/jwt_bearer.ts';
import { registerPassword } from '../grants/password.ts';
import { createTokenReader, type TokenReaderDependencies } from '../grants/presented_token.ts';
import { registerTokenExchange } from '../grants/token_exchange.ts';
import { unauthorizedClient } from '../grants/unauthorized_client.ts';
import { changeIdTokens } from '../hooks/change_id_tokens.ts';
import type { TestHooks } from '../hooks/hooks.ts';
import { hidePendingKeys } from '../keys/client_keys.ts';
import { backchannelPage } from '../other_devices/backchannel_page.ts';
import { type BackchannelRequests, createBackchannelRequests } from '../other_devices/backchannel_requests.ts';
import { discoveryWithoutUserCodes } from '../other_devices/ciba.ts';
import { prefilledUserCode } from '../other_devices/device_flow.ts';
import { pollingInterval } from '../other_devices/polling_interval.ts';
import { createFindApi } from '../permissive/apis.ts';
import { acceptAnyClient } from '../permissive/clients.ts';
import { createForeignTokenReader } from '../permissive/foreign_tokens.ts';
import { permissiveNotice } from '../permissive/notice.ts';
import { acceptRequestsOfMocks } from '../permissive/requests.ts';
import { createAccounts } from '../sign_in/accounts.ts';
import { interactions } from '../sign_in/interactions.ts';
import { createAddUser } from '../sign_in/login_form.ts';
import { refuseConcurrentReplays } from '../storage/record_adapter.ts';
import { createIsWithinGrace, createRevokeGrant, revokeOnReuse } from '../storage/reuse.ts';
import { createUnitsOfWork, unitOfWorkPerTokenRequest } from '../storage/unit_of_work.ts';
import { installAccessTokenStyles } from '../tokens/access_token_styles.ts';
import {
  completeGrantedScope,
  createGrantedUserScopes,
  ignoreUnknownScopesAtRefresh,
} from '../tokens/granted_scope.ts';
import { explainInactiveTokens } from '../tokens/inactive_tokens.ts';
import { introspectionAsJwt } from '../tokens/introspection_as_jwt.ts';
import { introspectionOfJwts } from '../tokens/introspection_of_jwts.ts';
import { createMayIntrospect } from '../tokens/introspection_policy.ts';
import { createIssueToken, type IssueToken } from '../tokens/issue_token.ts';
import { createIssuedTokens, type IssuedTokens } from '../tokens/issued_tokens.ts';
import { createLifetimes } from '../tokens/lifetimes.ts';
import { createOwnAccessTokenReader } from '../tokens/own_access_tokens.ts';
import { type RecentTokens, recordRecentTokens } from '../tokens/recent_tokens.ts';
import { recordRenderedTokens } from '../tokens/rendered_tokens.ts';
import { behindTls } from './behind_tls.ts';
import { boundedInput } from './bounded_input.ts';
import { readableErrors, registrationFromBrowsers, revocationAsJson } from './browser_clients.ts';
import { useConfiguredEndpointUrls } from './endpoint_urls.ts';
import { describeError, errorBoundary } from './error_boundary.ts';
import { describeRefusedGrants } from './error_descriptions.ts';
import { completeImplicitScope, explainImplicit } from './implicit.ts';
import { moveToIssuerHost } from './issuer_host.ts';
import { mount, mountPathOf } from './mount.ts';
import { postedRequests } from './posted_requests.ts';
import { providerConfiguration } from './provider_configuration.ts';
import { recordRefusals } from './refusals.ts';
import { requestedAt, runAsRequestAt } from './request_time.ts';
import { acceptApiTokensAtUserinfo, keepClaimsOutOfIdTokens } from './userinfo.ts';

/** An oidc-provider that serves the access token styles. */
export interface IssuingProvider {
  readonly handler: RequestListener;
  readonly issueToken: IssueToken;
  readonly issuedTokens: IssuedTokens;
  readonly backchannelRequests: BackchannelRequests;
  /** @throws {WrongClientError} a configured client has invalid metadata */
  checkClients(): Promise<void>;
  /** @param known users that were checked before @throws {WrongUserError} a configured user has the same identifier as a client */
  checkUsers(known?: readonly UserConfig[]): Promise<void>;
}

export interface ProviderDependencies extends Pick<TokenReaderDependencies, 'store' | 'latestKeys'> {
  readonly log: Log;
  readonly recentTokens: RecentTokens;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  readonly fetch?: typeof globalThis.fetch | undefined;
  readonly hooks: TestHooks;
}

/**
 * Creates an oidc-provider for a configuration and signing keys. It has no state of its own: a change of configuration or
 * keys replaces it with another one.
 */
export function createProvider(
  given: AuthorizationServerConfig,
  jwks: JWKS,
  { store, log, recentTokens, now, fetch, latestKeys, hooks }: ProviderDependencies,
): IssuingProvider {
  const config = { ...given, apis: given.apis.map((api) => withSigningAlgorithm(api, given)) };
  const units = createUnitsOfWork();
  const accounts = createAccounts(config, store);
  const isClientName = createIsClientName(config, store);
  const lifetimes = createLifetimes(config);
  const registrations = createRegistrations(config, { store, requestedAt });
  const configuration = providerConfiguration(config, {
    ...{ store, units, jwks, accounts, registrations, now, fetch, hooks },
  });
  const provider = new Provider(config.issuer, configuration);
  useConfiguredEndpointUrls(provider, config);
  limitRegisteredClients(provider, config);
  inferApplicationType(provider);
  checkRedirectUris(provider, config);
  matchRedirectUriPatterns(provider, config);
  if (config.permissive) acceptAnyClient(provider, config);
  explainImplicit(provider, config);
  completeImplicitScope(provider, createGrantedUserScopes(config));
  refuseConcurrentReplays(provider);
  prefixRegistrationAccessTokens(provider);
  ignoreUnknownScopesAtRefresh(provider, config);
  acceptApiTokensAtUserinfo(provider);
  if (!config.claimsInIdToken) keepClaimsOutOfIdTokens(provider);
  changeIdTokens(provider, hooks, jwks);
  const grantedUserScopes = createGrantedUserScopes(config);
  const styles = recordRenderedTokens(
    installAccessTokenStyles(provider, createFindApi(config), { log, now, requestedAt, grantedUserScopes }),
    { store, secret: config.secret, now },
  );
  const read = createOwnAccessTokenReader(provider, config, { store, accounts, jwks, latestKeys, now });
  const addUser = createAddUser(accounts, isClientName);
  const readToken = createTokenReader(provider, config, { store, accounts, jwks, latestKeys, now });
  const readForeignToken = createForeignTokenReader({ issuer: config.issuer, readToken, addUser, now });
  registerTokenExchange(provider, config, { readToken, readForeignToken, now });
  registerJwtBearer(provider, config, { store, readForeignToken, now, fetch: fetch ?? globalThis.fetch });
  registerPassword(provider, config, { log, now, addUser });
  if (config.permissive) provider.use(permissiveNotice());
  provider.use(moveToIssuerHost(config.issuer));
  provider.use(errorBoundary({ log, now, showError: createErrorPages(config) }));
  provider.use(readableErrors());
  provider.use(boundedInput());
  provider.use(postedRequests(config));
  if (config.permissive) provider.use(acceptRequestsOfMocks(provider));
  provider.use(revokeOnReuse(provider, createIsWithinGrace(config, now)));
  provider.use(unitOfWorkPerTokenRequest(config, { store, units }));
  provider.use(markUsedRegistrations(config, registrations));
  provider.use(hidePendingKeys());
  provider.use(revocationAsJson());
  if (config.features.clientRegistration) provider.use(registrationFromBrowsers());
  provider.use(completeGrantedScope(grantedUserScopes));
  provider.use(explainInactiveTokens(config, { recentTokens, read, jwks, latestKeys, log, now }));
  provider.use(introspectionAsJwt({ store, styles, maxAge: config.introspectionMaxAge, now }));
  provider.use(introspectionOfJwts(provider, { apis: config.apis, read, mayIntrospect: createMayIntrospect(config) }));
  provider.use(discoveryWithoutUserCodes());
  provider.use(unauthorizedClient());
  provider.use(pollingInterval(config, { store, now }));
  provider.use(prefilledUserCode());
  provider.use(interactions(provider, config, { accounts, isClientName, addUser, hooks }));
  const backchannelRequests = createBackchannelRequests(config, { provider, store, log, now });
  if (config.features.ciba) provider.use(backchannelPage(provider, backchannelRequests, config));
  provider.on('backchannel.error', (_ctx, error, client) =>
    log.warn({ client: client.clientId, ...describeError(error) }, 'back-channel logout notification failed'),
  );
  recordRecentTokens(provider, recentTokens);
  describeRefusedGrants(provider);
  recordRefusals(provider);
  provider.on('server_error', (_ctx, error) => log.error(describeError(error), 'request failed'));
  const signingKey = ({ signingAlgorithm }: ApiConfig) =>
    (jwks.keys as JWK[]).find(({ alg }) => alg === signingAlgorithm);
  const issueToken = createIssueToken(config, {
    ...{ provider, configuration, lifetimes, styles, store, now, signingKey, addUser },
  });
  const issuedTokens = createIssuedTokens(provider, createRevokeGrant(provider));
  return {
    handler: behindTls(provider, mount(mountPathOf(config.issuer), provider.callback())),
    backchannelRequests: {
      pending: backchannelRequests.pending,
      approve: (request) => runAsRequestAt(now(), () => backchannelRequests.approve(request)),
      deny: (request) => runAsRequestAt(now(), () => backchannelRequests.deny(request)),
    },
    checkClients: () => checkClients(provider, config.clients),
    checkUsers: (known) => checkUsers(config, store, known),
    issueToken: (request) => runAsRequestAt(now(), () => issueToken(request)),
    issuedTokens: {
      find: issuedTokens.find,
      revoke: (token) => runAsRequestAt(now(), () => issuedTokens.revoke(token)),
    },
  };
}

/** Without this, oidc-provider would sign access tokens with the algorithm of the client's ID tokens. */
function withSigningAlgorithm(
  api: ApiConfig,
  { signingAlgorithm }: Pick<AuthorizationServerConfig, 'signingAlgorithm'>,
): ApiConfig {
  return { ...api, signingAlgorithm: api.signingAlgorithm ?? signingAlgorithm };
}
