import { hkdfSync } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';
import { type Configuration, type JWKS, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AccessTokenRecord } from './access_token_styles.ts';
import { clientMetadata, isOriginOf } from './clients.ts';
import type { AuthorizationServerConfig } from './config.ts';
import type { ActClaim } from './grants/act_claim.ts';
import { errorPage, loggedOutPage, logoutPage } from './pages/pages.ts';
import { createRecordAdapter, requestStart } from './record_adapter.ts';
import { createResourceIndicators } from './resource_servers.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** What this authorization server asks of oidc-provider. */
export function providerConfiguration(config: AuthorizationServerConfig, store: TokenStore, jwks: JWKS): Configuration {
  const users = new Map(config.users.map((user) => [user.id, user]));
  const apis = new Map(config.apis.map((api) => [api.resource, api]));
  const introspectors = new Set(config.clients.filter((client) => client.introspects).map((client) => client.id));
  const apiLifetime = (_ctx: unknown, token: { aud?: string | string[] | undefined }) =>
    apis.get(String(token.aud))?.accessTokenLifetime ?? HOUR;

  return {
    adapter: createRecordAdapter(store, () => requestStart(Provider)),
    clients: config.clients.map(clientMetadata),
    jwks,
    cookies: {
      keys: [Buffer.from(hkdfSync('sha256', config.secret, '', 'tallystick cookies', 32)).toString('base64url')],
    },
    clientDefaults: {
      id_token_signed_response_alg: config.signingAlgorithm,
      introspection_signed_response_alg: config.signingAlgorithm,
    },
    enabledJWA: {
      idTokenSigningAlgValues: [config.signingAlgorithm],
      introspectionSigningAlgValues: [config.signingAlgorithm],
      userinfoSigningAlgValues: [config.signingAlgorithm],
    },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'given_name', 'family_name', 'picture', 'role'],
      email: ['email', 'email_verified'],
    },
    pkce: { required: () => true },
    ttl: {
      AccessToken: apiLifetime,
      ClientCredentials: apiLifetime,
      AuthorizationCode: MINUTE,
      IdToken: HOUR,
      Interaction: HOUR,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
      Grant: 14 * DAY,
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => client.clientId === token.clientId },
      introspection: { enabled: true, allowedPolicy: async (_ctx, client) => introspectors.has(client.clientId) },
      jwtIntrospection: { enabled: true },
      resourceIndicators: createResourceIndicators(config.apis),
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: async (ctx, form) => {
          ctx.body = logoutPage(form);
        },
        postLogoutSuccessSource: async (ctx) => {
          ctx.type = 'html';
          ctx.body = loggedOutPage(ctx.oidc.client?.clientName);
        },
      },
      // The gateway does not check proofs of possession yet, so no token claims to be bound to a key.
      dPoP: { enabled: false },
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    clientBasedCORS: (_ctx, origin, client) => isOriginOf(origin, client.redirectUris ?? []),
    findAccount: async (_ctx, id) => {
      const user = users.get(id);
      return user && { accountId: id, claims: async () => ({ ...user.claims, sub: id }) };
    },
    // A reference token rendered as a JWT later says what was true when it was issued.
    extraTokenClaims: async (_ctx, token) => {
      const { extra, aud, accountId, act } = token as unknown as AccessTokenRecord & {
        extra?: Record<string, unknown>;
        accountId?: string;
        act?: ActClaim;
      };
      if (extra !== undefined) return extra;
      const claims = accountId === undefined ? undefined : users.get(accountId)?.claims;
      const wanted = apis.get(aud ?? '')?.claims ?? [];
      const present = claims ? wanted.filter((name) => name in claims) : [];
      return { ...Object.fromEntries(present.map((name) => [name, claims?.[name]])), ...(act && { act }) };
    },
    formats: {
      customizers: {
        jwt: async (_ctx, token, jwt) => {
          const { jwtId } = token as unknown as AccessTokenRecord;
          if (jwtId !== undefined) Object.assign(jwt.payload ?? {}, { jti: jwtId });
        },
      },
    },
    renderError: async (ctx: KoaContextWithOIDC, out) => {
      ctx.type = 'html';
      ctx.body = errorPage(out.error, out.error_description);
    },
  };
}
