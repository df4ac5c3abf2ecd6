import { hkdfSync } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';
import {
  type Adapter,
  type Configuration,
  errors,
  type FindAccount,
  type JWKS,
  type KoaContextWithOIDC,
  Provider,
} from 'oidc-provider';
import { createClientAdapter } from '../clients/client_adapter.ts';
import { clientAssertionRules } from '../clients/client_assertions.ts';
import { isOriginOf } from '../clients/clients.ts';
import { registrationRules } from '../clients/registered_clients.ts';
import type { Registrations } from '../clients/registrations.ts';
import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';
import { claimsByScope, userScopes } from '../config/user_scopes.ts';
import { createErrorPages } from '../error_pages/error_pages.ts';
import { changeJwt, type TestHooks } from '../hooks/hooks.ts';
import { algorithmsInUse } from '../keys/algorithms.ts';
import { createFindApi, type FindApi } from '../permissive/apis.ts';
import { isPageOfThisMachine, isPermissiveClient } from '../permissive/clients.ts';
import { POLICY_PATH } from '../permissive/notice.ts';
import { type Accounts, addedClaimsOf, createPairwiseSubjects } from '../sign_in/accounts.ts';
import { createInteractionPolicy } from '../sign_in/interaction_policy.ts';
import { createIsConfiguredClient } from '../storage/anonymous_records.ts';
import { createRecordAdapter } from '../storage/record_adapter.ts';
import { createIsWithinGrace } from '../storage/reuse.ts';
import type { UnitsOfWork } from '../storage/unit_of_work.ts';
import { createAccessTokenClaims } from '../tokens/access_token_claims.ts';
import type { AccessTokenRecord } from '../tokens/access_token_styles.ts';
import { createLifetimes } from '../tokens/lifetimes.ts';
import { providerFeatures } from './features.ts';
import { responseTypesOf } from './implicit.ts';
import { mountPathOf } from './mount.ts';
import { createOutgoingFetch } from './outgoing_fetch.ts';
import { requestedAt } from './request_time.ts';

export interface ProviderConfigurationDependencies {
  readonly hooks: TestHooks;
  readonly store: TokenStore;
  readonly units: UnitsOfWork;
  readonly jwks: JWKS;
  readonly accounts: Accounts;
  readonly registrations: Registrations;
  /** The current time in epoch milliseconds. */
  readonly now: () => number;
  /** Calls clients. Default: the global `fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** The configuration of oidc-provider. */
export function providerConfiguration(
  config: AuthorizationServerConfig,
  dependencies: ProviderConfigurationDependencies,
): Configuration {
  const { store, jwks, accounts, now, fetch } = dependencies;
  const mountPath = mountPathOf(config.issuer);
  const findApi = createFindApi(config);
  const showError = createErrorPages(config);
  return {
    adapter: createAdapter(config, dependencies),
    jwks,
    cookies: {
      // The path separates the sessions of issuers on one host.
      long: { path: mountPath || '/' },
      keys: [Buffer.from(hkdfSync('sha256', config.secret, '', 'tallystick cookies', 32)).toString('base64url')],
    },
    ...clientRules(config),
    ...algorithmRules(config, jwks),
    acrValues: config.acrValues,
    subjectTypes: config.features.pairwiseSubjects ? ['public', 'pairwise'] : ['public'],
    pairwiseIdentifier: createPairwiseSubjects(config.secret),
    fetch: createOutgoingFetch(config, fetch),
    responseTypes: responseTypesOf(config.features),
    // Prompt Create section 4.
    discovery: {
      prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
      ...(config.permissive && { op_policy_uri: config.issuer + POLICY_PATH }),
    },
    // Includes the scopes of the APIs: a client can register supported scopes only (RFC 7591 section 2).
    scopes: [...new Set([...userScopes(config), ...config.apis.flatMap((api) => api.scopes)])],
    claims: {
      // A client can request each claim of a user individually (OpenID Connect Core section 5.5).
      ...Object.fromEntries(config.users.flatMap((user) => Object.keys(user.claims).map((name) => [name, null]))),
      ...claimsByScope(config),
    },
    conformIdTokenClaims: !config.claimsInIdToken,
    pkce: { required: createPkceRule(config) },
    ttl: createLifetimes(config).ttl,
    interactions: {
      policy: createInteractionPolicy(config),
      url: (_ctx, interaction) => `${mountPath}/interaction/${interaction.uid}`,
    },
    ...registrationRules(config),
    ...clientAssertionRules(now),
    features: providerFeatures(config, { store, accounts, showError }),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: createRotationRule(config),
    findAccount: createFindAccount(accounts),
    loadExistingGrant,
    extraTokenClaims: createAccessTokenClaims(config, { accounts, findApi }),
    formats: { customizers: { jwt: createJwtCustomizer(findApi, dependencies.hooks) } },
    renderError: async (ctx, shown, cause) => showError(ctx, shown, cause),
  };
}

/** Selects oidc-provider's Adapter by kind of record. */
function createAdapter(
  config: AuthorizationServerConfig,
  { store, units, registrations, now }: ProviderConfigurationDependencies,
) {
  const isConfiguredClient = createIsConfiguredClient(config);
  const recordAdapter = createRecordAdapter({
    secret: config.secret,
    store,
    units,
    isWithinGrace: createIsWithinGrace(config, now),
    caller: () => ({ isConfiguredClient: isConfiguredClient(Provider.ctx) }),
    anonymousSession: config.lifetimes.interaction,
    requestedAt,
  });
  return (kind: string): Adapter => {
    const records = recordAdapter(kind);
    if (kind === 'Client')
      return { ...records, ...createClientAdapter(config, { registered: registrations.clients, store }) };
    return kind === 'RegistrationAccessToken' ? { ...records, ...registrations.accessTokens } : records;
  };
}

/** Defaults of client metadata, and how clients authenticate. */
function clientRules({ signingAlgorithm, idTokenSigningAlgorithm, apis, features }: AuthorizationServerConfig) {
  return {
    clientDefaults: {
      id_token_signed_response_alg: idTokenSigningAlgorithm,
      // Gateways receive these, and must not wait for the keys of clients.
      introspection_signed_response_alg: signingAlgorithm,
      authorization_signed_response_alg: idTokenSigningAlgorithm,
      // A client may use every type that an API knows, unless its metadata restricts it.
      authorization_details_types: [...new Set(apis.flatMap((api) => api.authorizationDetailsTypes))],
    },
    clientAuthMethods: [
      ...(['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'] as const),
      ...(features.mutualTls ? (['tls_client_auth', 'self_signed_tls_client_auth'] as const) : []),
    ],
    clientBasedCORS: (
      _ctx: unknown,
      origin: string,
      client: { readonly redirectUris?: readonly string[] | undefined },
    ) => (isPermissiveClient(client) ? isPageOfThisMachine(origin) : isOriginOf(origin, client.redirectUris ?? [])),
  } satisfies Configuration;
}

type PkceClient = { readonly clientId: string; readonly clientAuthMethod?: string | undefined };

/** Whether a client must use PKCE (RFC 7636). oidc-provider always verifies a challenge that was sent. */
function createPkceRule({ pkce, clients, permissive }: AuthorizationServerConfig) {
  const rules = new Map(clients.map((client) => [client.id, client.pkce]));
  const isRequired = (client: PkceClient) => {
    const rule = rules.get(client.clientId);
    if (rule !== undefined) return rule === 'required';
    return !permissive && (pkce === 'all' || client.clientAuthMethod === 'none');
  };
  return ({ oidc }: KoaContextWithOIDC, client: PkceClient) => {
    if (!isRequired(client)) return false;
    if (oidc.params?.code_challenge === undefined)
      throw new errors.InvalidRequest('this client must use PKCE: send code_challenge and code_challenge_method=S256');
    return true;
  };
}

/** Mocks take a refresh token any number of times, and so does a permissive issuer. */
function createRotationRule({ clients }: AuthorizationServerConfig) {
  const keep = new Set(clients.filter(({ rotateRefreshTokens }) => !rotateRefreshTokens).map(({ id }) => id));
  return ({ oidc: { client } }: KoaContextWithOIDC) => !keep.has(client?.clientId ?? '') && !isPermissiveClient(client);
}

/** Algorithms of this server, and of every other server on the store: clients registered there can sign in here too. */
function algorithmRules(config: AuthorizationServerConfig, jwks: JWKS) {
  const published = jwks.keys.map(({ alg }) => alg as SigningAlgorithm);
  const algorithms = [...new Set([...algorithmsInUse(config), ...published])];
  return {
    enabledJWA: {
      idTokenSigningAlgValues: algorithms,
      introspectionSigningAlgValues: algorithms,
      userinfoSigningAlgValues: algorithms,
      authorizationSigningAlgValues: algorithms,
    },
  } satisfies Configuration;
}

function createFindAccount(accounts: Accounts): FindAccount {
  return async (_ctx, id, token) => {
    if (!(await accounts.exists(id))) return undefined;
    const claims = async () => {
      const { configured, added } = await accounts.claims(id, (token as { grantId?: string } | undefined)?.grantId);
      return { ...configured, ...added, sub: id };
    };
    return { accountId: id, claims };
  };
}

/** Claims that a user adds at the login page belong to a new grant, so an earlier grant is not reused for them. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const { result, session, client } = oidc;
  const given = result?.consent?.grantId;
  const grantId = given ?? (addedClaimsOf(result) ? undefined : session?.grantIdFor(client?.clientId ?? ''));
  return grantId === undefined ? undefined : oidc.provider.Grant.find(grantId);
}

/** Sets `jti` and `aud` of a JWT access token. */
function createJwtCustomizer(findApi: FindApi, hooks: TestHooks) {
  return async (
    _ctx: unknown,
    token: unknown,
    jwt: { header?: object | undefined; payload?: object },
  ): Promise<undefined> => {
    const { jwtId, api, aud: resource } = token as AccessTokenRecord;
    const aud = findApi(api ?? String(resource))?.audience;
    Object.assign(jwt.payload ?? {}, jwtId !== undefined && { jti: jwtId }, aud !== undefined && { aud });
    const change = hooks.accessToken;
    if (change !== undefined) Object.assign(jwt, await changeJwt('accessToken', change, jwt));
  };
}
