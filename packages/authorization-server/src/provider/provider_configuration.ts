import { hkdfSync } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';
import { type Configuration, type JWKS, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { createClientAdapter } from '../clients/client_adapter.ts';
import { clientAssertionRules } from '../clients/client_assertions.ts';
import { isOriginOf } from '../clients/clients.ts';
import { registrationRules } from '../clients/registered_clients.ts';
import type { Registrations } from '../clients/registrations.ts';
import type { AuthorizationServerConfig, SigningAlgorithm } from '../config/config.ts';
import { algorithmsInUse } from '../keys/algorithms.ts';
import { type Accounts, createPairwiseSubjects, USER_SCOPES } from '../sign_in/accounts.ts';
import { addedClaimsOf } from '../sign_in/interactions.ts';
import { createIsKnownClient } from '../storage/anonymous_records.ts';
import { createRecordAdapter } from '../storage/record_adapter.ts';
import { createIsWithinGrace } from '../storage/reuse.ts';
import type { UnitsOfWork } from '../storage/unit_of_work.ts';
import { createAccessTokenClaims } from '../tokens/access_token_claims.ts';
import type { AccessTokenRecord } from '../tokens/access_token_styles.ts';
import { createLifetimes } from '../tokens/lifetimes.ts';
import { errorPage } from '../ui/pages.ts';
import { providerFeatures } from './features.ts';
import { mountPathOf } from './mount.ts';
import { createOutgoingFetch } from './outgoing_fetch.ts';
import { startOfWork } from './start_of_work.ts';

export interface ProviderDependencies {
  readonly store: TokenStore;
  readonly units: UnitsOfWork;
  readonly jwks: JWKS;
  readonly accounts: Accounts;
  readonly registrations: Registrations;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Calls clients. Default: the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/** What this authorization server asks of oidc-provider. */
export function providerConfiguration(
  config: AuthorizationServerConfig,
  { store, units, jwks, accounts, registrations, now, fetch }: ProviderDependencies,
): Configuration {
  const mountPath = mountPathOf(config.issuer);
  // Other servers on the store may have keys for more, which the clients that registered there sign with here too.
  const signingAlgorithms = [
    ...new Set([...algorithmsInUse(config), ...jwks.keys.map(({ alg }) => alg as SigningAlgorithm)]),
  ];
  const audiences = new Map(config.apis.map((api) => [api.resource, api.audience]));
  const isKnownClient = createIsKnownClient(config);
  const recordAdapter = createRecordAdapter({
    secret: config.secret,
    store,
    units,
    isWithinGrace: createIsWithinGrace(config, now),
    caller: () => ({ isKnownClient: isKnownClient(Provider.ctx) }),
    anonymousSession: config.lifetimes.interaction,
    requestedAt: startOfWork,
  });

  return {
    adapter(kind: string) {
      const records = recordAdapter(kind);
      if (kind === 'Client')
        return { ...records, ...createClientAdapter(config, { registered: registrations.clients, store }) };
      return kind === 'RegistrationAccessToken' ? { ...records, ...registrations.accessTokens } : records;
    },
    jwks,
    cookies: {
      // Issuers on one host have sessions of their own.
      long: { path: mountPath || '/' },
      keys: [Buffer.from(hkdfSync('sha256', config.secret, '', 'tallystick cookies', 32)).toString('base64url')],
    },
    clientDefaults: {
      id_token_signed_response_alg: config.signingAlgorithm,
      introspection_signed_response_alg: config.signingAlgorithm,
      authorization_signed_response_alg: config.signingAlgorithm,
      // A client may ask for what the APIs know, unless its metadata says otherwise.
      authorization_details_types: [...new Set(config.apis.flatMap((api) => api.authorizationDetailsTypes))],
    },
    enabledJWA: {
      idTokenSigningAlgValues: signingAlgorithms,
      introspectionSigningAlgValues: signingAlgorithms,
      userinfoSigningAlgValues: signingAlgorithms,
      authorizationSigningAlgValues: signingAlgorithms,
    },
    acrValues: config.acrValues,
    clientAuthMethods: [
      ...(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const),
      ...(config.features.mutualTls ? (['tls_client_auth', 'self_signed_tls_client_auth'] as const) : []),
    ],
    subjectTypes: config.features.pairwiseSubjects ? ['public', 'pairwise'] : ['public'],
    pairwiseIdentifier: createPairwiseSubjects(config.secret),
    fetch: createOutgoingFetch(config, fetch),
    responseTypes: ['code'],
    // Those of the APIs too: a client that registers itself may name only scopes that are supported (RFC 7591 section 2).
    scopes: [...USER_SCOPES, ...new Set(config.apis.flatMap((api) => api.scopes))],
    claims: {
      // Every claim of a user can be asked for by itself (OpenID Connect Core section 5.5).
      ...Object.fromEntries(config.users.flatMap((user) => Object.keys(user.claims).map((name) => [name, null]))),
      openid: ['sub'],
      profile: ['name', 'given_name', 'family_name', 'picture', 'role'],
      email: ['email', 'email_verified'],
    },
    pkce: { required: () => true },
    ttl: createLifetimes(config).ttl,
    interactions: { url: (_ctx, interaction) => `${mountPath}/interaction/${interaction.uid}` },
    ...registrationRules(config),
    ...clientAssertionRules(now),
    features: providerFeatures(config, { store, accounts }),
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    clientBasedCORS: (_ctx, origin, client) => isOriginOf(origin, client.redirectUris ?? []),
    findAccount: async (_ctx, id, token) => {
      if (!(await accounts.exists(id))) return undefined;
      const claims = async () => {
        const { configured, added } = await accounts.claims(id, (token as { grantId?: string } | undefined)?.grantId);
        return { ...configured, ...added, sub: id };
      };
      return { accountId: id, claims };
    },
    // Claims that were added at the login page belong to a grant of their own: no earlier one is taken up.
    loadExistingGrant: async (ctx) => {
      const { result, session, client } = ctx.oidc;
      const given = result?.consent?.grantId;
      const grantId = given ?? (addedClaimsOf(result) ? undefined : session?.grantIdFor(client?.clientId ?? ''));
      return grantId === undefined ? undefined : ctx.oidc.provider.Grant.find(grantId);
    },
    extraTokenClaims: createAccessTokenClaims(config, accounts),
    formats: {
      customizers: {
        jwt: async (_ctx, token, jwt) => {
          const { jwtId, api, aud: resource } = token as unknown as AccessTokenRecord;
          const aud = audiences.get(api ?? String(resource));
          Object.assign(jwt.payload ?? {}, jwtId !== undefined && { jti: jwtId }, aud !== undefined && { aud });
        },
      },
    },
    renderError: async (ctx: KoaContextWithOIDC, out) => {
      ctx.type = 'html';
      ctx.state.errorDescription = out.error_description;
      ctx.body = errorPage(out.error, out.error_description);
    },
  };
}
