import type { KoaContextWithOIDC } from 'oidc-provider';
import type { AuthorizationServerConfig } from './config.ts';

interface TokenWithClaims {
  readonly extra?: Record<string, unknown>;
  readonly accountId?: string;
  readonly aud?: string;
}

/** How and when a user signed in, as oidc-provider notes it with a code, a device code and so on. */
interface SignIn {
  readonly authTime?: number;
  readonly acr?: string;
  readonly amr?: readonly string[];
}

/**
 * What an access token says of its user beyond `sub`: the claims that its API's configuration names, and how and when
 * the user signed in (RFC 9068 section 2.2). A reference token rendered as a JWT later says what was true when it was
 * issued.
 */
export function createAccessTokenClaims({ users, apis }: Pick<AuthorizationServerConfig, 'users' | 'apis'>) {
  const claimsByUser = new Map(users.map((user) => [user.id, user.claims]));
  const apiByResource = new Map(apis.map((api) => [api.resource, api]));

  return async (ctx: KoaContextWithOIDC | undefined, token: unknown) => {
    const { extra, accountId, aud } = token as TokenWithClaims;
    if (extra !== undefined) return extra;
    if (accountId === undefined) return undefined;
    const claims = claimsByUser.get(accountId) ?? {};
    const wanted = apiByResource.get(aud ?? '')?.claims ?? [];
    return {
      ...Object.fromEntries(wanted.filter((name) => name in claims).map((name) => [name, claims[name]])),
      ...signInClaims(ctx),
    };
  };
}

/** `auth_time`, `acr` and `amr` (RFC 9068 section 2.2.1) of the sign-in that the grant being redeemed goes back to. */
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
