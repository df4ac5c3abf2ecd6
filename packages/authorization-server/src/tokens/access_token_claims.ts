import type { KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from '../config/config.ts';
import type { ActClaim } from '../grants/act_claim.ts';
import type { FindApi } from '../permissive/apis.ts';
import type { Accounts, Claims } from '../sign_in/accounts.ts';
import { mapClaims } from './map_claims.ts';

interface TokenWithClaims {
  readonly extra?: Record<string, unknown>;
  readonly accountId?: string;
  readonly grantId?: string;
  readonly clientId?: string;
  readonly aud?: string;
  /** The actor (RFC 8693 section 4.1). */
  readonly act?: ActClaim;
}

const NO_CLAIMS: { readonly configured: Claims; readonly added: Claims } = { configured: {}, added: {} };

/** How and when the user signed in, as oidc-provider stores it with a code, device code and so on. */
interface SignIn {
  readonly authTime?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/**
 * Creates oidc-provider's `extraTokenClaims`: the claims that the API's configuration names, claims that were added at the login
 * page, the actor, the sign-in, and the subject of a client's own token (RFC 9068 section 2.2). A reference token keeps the
 * claims from its issuance, also when it is rendered as a JWT later.
 */
export function createAccessTokenClaims(
  { clients }: Pick<AuthorizationServerConfig, 'clients'>,
  { accounts, findApi }: { readonly accounts: Accounts; readonly findApi: FindApi },
) {
  const clientData = new Map(clients.map(({ id, name, data }) => [id, { ...data, id, name }]));

  return async (ctx: KoaContextWithOIDC | undefined, token: unknown) => {
    const { extra, accountId, grantId, clientId = '', aud, act } = token as TokenWithClaims;
    if (extra !== undefined) return extra;
    const { configured, added } = accountId === undefined ? NO_CLAIMS : await accounts.claims(accountId, grantId);
    const user = accountId === undefined ? undefined : { ...configured, id: accountId };
    return {
      ...mapClaims(findApi(aud ?? '')?.claims ?? [], { user, client: clientData.get(clientId) }),
      ...(accountId === undefined ? undefined : signInClaims(ctx)),
      ...added,
      ...(act && { act }),
      // The subject of a client's own token is the client (RFC 9068 section 2.2). oidc-provider sets it in JWTs only.
      ...(accountId === undefined && { sub: clientId }),
    };
  };
}

/** `auth_time`, `acr` and `amr` (RFC 9068 section 2.2.1) of the sign-in behind the code or refresh token. */
function signInClaims(ctx: KoaContextWithOIDC | undefined): Record<string, unknown> {
  const entities = ctx?.oidc?.entities as { readonly [kind: string]: SignIn | undefined } | undefined;
  const { authTime, acr, amr } =
    entities?.AuthorizationCode ??
    entities?.DeviceCode ??
    entities?.BackchannelAuthenticationRequest ??
    entities?.RefreshToken ??
    {};
  return {
    ...(authTime === undefined ? undefined : { auth_time: authTime }),
    ...(acr === undefined ? undefined : { acr }),
    ...(amr === undefined ? undefined : { amr }),
  };
}
