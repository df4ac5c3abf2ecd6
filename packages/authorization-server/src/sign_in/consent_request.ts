import type { AuthorizationServerConfig } from '../config/config.ts';
import { claimsByScope, userScopes } from '../config/user_scopes.ts';
import { createFindApi } from '../permissive/apis.ts';
import type { ConsentRequest, RequestedApi, RequestedScope } from '../ui/consent_page.ts';
import { type Accounts, addedClaimsOf, type Claims } from './accounts.ts';

export type ConsentConfig = Pick<
  AuthorizationServerConfig,
  'scopes' | 'apis' | 'permissive' | 'permissiveAccessTokens' | 'lifetimes' | 'idTokenSigningAlgorithm'
>;

/** What oidc-provider's consent prompt says is not granted yet. */
export interface ConsentDetails {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
  missingResourceScopes?: Record<string, string[]>;
  rar?: { type: string }[];
}

interface ConsentInteraction {
  readonly prompt: { readonly details: unknown };
  readonly session?: { readonly accountId: string } | undefined;
  readonly lastSubmission?: unknown;
}

/** Creates the function that describes what the consent page of an interaction asks for. */
export function createDescribeConsent(config: ConsentConfig, accounts: Pick<Accounts, 'claims'>) {
  const ownScopes = new Set(userScopes(config));
  const claimsOfScopes = new Map(Object.entries(claimsByScope(config)));
  const findApi = createFindApi(config);

  function describeScope(name: string, user: Claims): RequestedScope {
    return { name, claims: (claimsOfScopes.get(name) ?? [name]).filter((claim) => Object.hasOwn(user, claim)) };
  }

  function describeApi(resource: string, scopes: string[], { user, added }: KnownClaims): RequestedApi {
    const { claims = [], accessTokens = 'jwt' } = findApi(resource) ?? {};
    const configured = Array.isArray(claims)
      ? claims.filter((claim: string) => Object.hasOwn(user, claim))
      : Object.keys(claims);
    return { resource, scopes, accessTokens, claims: [...new Set([...configured, ...Object.keys(added)])] };
  }

  return async ({ prompt, session, lastSubmission }: ConsentInteraction): Promise<ConsentRequest> => {
    const {
      missingOIDCScope = [],
      missingOIDCClaims = [],
      missingResourceScopes = {},
      rar = [],
    } = prompt.details as ConsentDetails;
    const { configured } = await accounts.claims(session?.accountId ?? '', undefined);
    const added = addedClaimsOf(lastSubmission) ?? {};
    const user = { ...configured, ...added };
    // oidc-provider lists the scopes of APIs here too. The page shows them once, with their API.
    const scopes = missingOIDCScope.filter((scope) => ownScopes.has(scope) && scope !== 'offline_access');
    return {
      aboutUser: [...new Set([...scopes, ...missingOIDCClaims])].map((name) => describeScope(name, user)),
      apis: Object.entries(missingResourceScopes).map(([resource, names]) =>
        describeApi(resource, names, { user, added }),
      ),
      offlineAccess: missingOIDCScope.includes('offline_access'),
      authorizationDetails: rar,
    };
  };
}

interface KnownClaims {
  readonly user: Claims;
  /** Entered at the login page. They are in every access token of the grant. */
  readonly added: Claims;
}
