import type { TokenStore } from '@tallystick/token-store';
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider';
import { createClientCertificates } from '../clients/client_certificates.ts';
import { createIsClientName } from '../clients/client_names.ts';
import { createPartiesExist, type Parties } from '../clients/party_check.ts';
import type { AuthorizationServerConfig } from '../config/config.ts';
import type { ShowError } from '../error_pages/error_pages.ts';
import { createCiba } from '../other_devices/ciba.ts';
import { createDeviceFlowPages } from '../other_devices/device_flow.ts';
import { isPermissiveClient } from '../permissive/clients.ts';
import type { Accounts } from '../sign_in/accounts.ts';
import { createAddUser } from '../sign_in/login_form.ts';
import { createAuthorizationDetails } from '../tokens/authorization_details.ts';
import { noteTokenProblem } from '../tokens/inactive_tokens.ts';
import { createMayIntrospect } from '../tokens/introspection_policy.ts';
import { createResourceIndicators } from '../tokens/resource_indicators.ts';
import { resourceOf } from '../tokens/resource_servers.ts';
import { automaticLogoutPage, loggedOutPage, logoutPage } from '../ui/pages.ts';

export interface ProviderFeatureDependencies {
  readonly store: TokenStore;
  readonly accounts: Accounts;
  readonly showError: ShowError;
}

/** The features of oidc-provider that are enabled, with their settings. */
export function providerFeatures(
  config: AuthorizationServerConfig,
  { store, accounts, showError }: ProviderFeatureDependencies,
): Configuration['features'] {
  const { apis, features } = config;
  const mayIntrospect = createMayIntrospect(config);
  const partiesExist = createPartiesExist(features, accounts);
  return {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => client.clientId === token.clientId },
    introspection: {
      enabled: true,
      async allowedPolicy(ctx, client, token) {
        if (!mayIntrospect(client.clientId, [resourceOf(token) ?? []].flat())) {
          noteTokenProblem(ctx, 'not_introspectable');
          return false;
        }
        if (await partiesExist(ctx.oidc.provider, token as Parties)) return true;
        noteTokenProblem(ctx, 'revoked');
        return false;
      },
    },
    jwtIntrospection: { enabled: true },
    jwtUserinfo: { enabled: true },
    resourceIndicators: createResourceIndicators(config),
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: async (ctx, form) => {
        ctx.body =
          isTheUserOf(ctx.oidc) || isPermissiveClient(ctx.oidc.client) ? automaticLogoutPage(form) : logoutPage(form);
      },
      postLogoutSuccessSource: async (ctx) => {
        ctx.type = 'html';
        ctx.body = loggedOutPage(ctx.oidc.client?.clientName);
      },
    },
    pushedAuthorizationRequests: { enabled: features.pushedAuthorizationRequests },
    requestObjects: { enabled: features.requestObjects },
    jwtResponseModes: { enabled: features.jwtResponseModes },
    richAuthorizationRequests: createAuthorizationDetails(apis, features.authorizationDetails),
    claimsParameter: { enabled: features.claimsParameter },
    dPoP: { enabled: features.dpop },
    deviceFlow: {
      enabled: features.deviceFlow,
      charset: 'base-20',
      mask: '****-****',
      ...createDeviceFlowPages(showError),
    },
    ciba: createCiba(config, { store, addUser: createAddUser(accounts, createIsClientName(config, store)) }),
    registration: { enabled: features.clientRegistration },
    registrationManagement: { enabled: features.clientRegistration },
    clientIdMetadataDocument: { enabled: features.clientIdMetadataDocuments, ack: 'draft-02' },
    backchannelLogout: { enabled: features.backChannelLogout },
    mTLS: createClientCertificates(features.mutualTls, config),
  } as Configuration['features'];
}

/** Whether the request names the signed-in user with an ID token. Then users need not confirm their logout (RP-Initiated Logout section 2). */
function isTheUserOf({ entities, session }: KoaContextWithOIDC['oidc']): boolean {
  const { IdTokenHint: hint } = entities as { readonly IdTokenHint?: { readonly payload: { readonly sub?: unknown } } };
  return hint !== undefined && hint.payload.sub === session?.accountId;
}
