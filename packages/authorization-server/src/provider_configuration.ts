import { hkdfSync } from 'node:crypto';
import type { TokenStore } from '@tallystick/token-store';
import { type Configuration, type JWKS, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { AccessTokenRecord } from './access_token_styles.ts';
import type { Accounts, Claims } from './accounts.ts';
import { clientMetadata, isOriginOf } from './clients.ts';
import type { AuthorizationServerConfig } from './config.ts';
import type { ActClaim } from './grants/act_claim.ts';
import { addedClaimsOf } from './interactions.ts';
import { mountPathOf } from './mount.ts';
import type { UnitsOfWork } from './one_write.ts';
import { errorPage, loggedOutPage, logoutPage } from './pages/pages.ts';
import { createRecordAdapter, requestStart } from './record_adapter.ts';
import { createResourceIndicators } from './resource_servers.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds. */
export const ID_TOKEN_LIFETIME = HOUR;

/** What of an access token says whose it is. */
interface UserToken extends AccessTokenRecord {
  readonly extra?: Record<string, unknown>;
  readonly accountId?: string;
  readonly grantId?: string;
  readonly act?: ActClaim;
}

const NO_CLAIMS: { readonly configured: Claims; readonly added: Claims } = { configured: {}, added: {} };

/** What this authorization server asks of oidc-provider. */
export function providerConfiguration(
  config: AuthorizationServerConfig,
  { store, units, jwks, accounts }: { store: TokenStore; units: UnitsOfWork; jwks: JWKS; accounts: Accounts },
): Configuration {
  const mountPath = mountPathOf(config.issuer);
  const apis = new Map(config.apis.map((api) => [api.resource, api]));
  const introspectors = new Set(config.clients.filter((client) => client.introspects).map((client) => client.id));
  const apiLifetime = (_ctx: unknown, token: { aud?: string | string[] | undefined }) =>
    apis.get(String(token.aud))?.accessTokenLifetime ?? HOUR;

  return {
    adapter: createRecordAdapter({ store, units, requestedAt: () => requestStart(Provider) }),
    clients: config.clients.map(clientMetadata),
    jwks,
    cookies: {
      // Issuers on one host have sessions of their own.
      long: { path: mountPath || '/' },
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
      IdToken: ID_TOKEN_LIFETIME,
      Interaction: HOUR,
      RefreshToken: 14 * DAY,
      Session: 14 * DAY,
      Grant: 14 * DAY,
    },
    interactions: { url: (_ctx, interaction) => `${mountPath}/interaction/${interaction.uid}` },
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
    // A reference token rendered as a JWT later says what was true when it was issued.
    extraTokenClaims: async (_ctx, token) => {
      const { extra, aud, accountId, grantId, act } = token as unknown as UserToken;
      if (extra !== undefined) return extra;
      const { configured, added } = accountId === undefined ? NO_CLAIMS : await accounts.claims(accountId, grantId);
      const wanted = (apis.get(aud ?? '')?.claims ?? []).filter((name) => name in configured);
      return { ...Object.fromEntries(wanted.map((name) => [name, configured[name]])), ...added, ...(act && { act }) };
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
