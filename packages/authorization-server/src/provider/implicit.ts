import { errors, type KoaContextWithOIDC, type Provider, type ResponseType } from 'oidc-provider';
import type { AuthorizationServerConfig, ClientConfig } from '../config/config.ts';
import type { GrantedUserScopes } from '../tokens/granted_scope.ts';

/**
 * Response types of the implicit grant, and of the hybrid flow, which needs the authorization code grant too. `token` alone is
 * missing: nothing would bind that access token to the request of the client, so anyone could inject another one (RFC 9700
 * section 2.1.2). With `id_token`, `nonce` and `at_hash` do. oidc-provider does not have it either.
 */
const IMPLICIT: readonly ResponseType[] = ['id_token', 'id_token token'];
const HYBRID: readonly ResponseType[] = ['code id_token', 'code token', 'code id_token token'];

export const IMPLICIT_IS_OFF =
  'expected code: this server does not return tokens through the browser unless features.implicit is true in its configuration';

const TOKEN_ALONE = 'response_type token is not supported: use code, or id_token token with features.implicit';

type Config = Pick<AuthorizationServerConfig, 'features'>;

/** The response types that discovery lists. */
export function responseTypesOf({ implicit }: Config['features']): ResponseType[] {
  return implicit ? ['code', ...IMPLICIT, ...HYBRID] : ['code'];
}

/** The response types that a client with these grants may use. */
export function responseTypesOfClient(grants: ClientConfig['grants']): ResponseType[] {
  const [hasCode, hasImplicit] = [grants.includes('authorization_code'), grants.includes('implicit')];
  return [
    ...(hasCode ? (['code'] as const) : []),
    ...(hasImplicit ? IMPLICIT : []),
    ...(hasCode && hasImplicit ? HYBRID : []),
  ];
}

/** Whether a response type returns a token through the browser. The order of its words is free. */
export function isImplicit(responseType: unknown): boolean {
  return typeof responseType === 'string' && responseType.split(' ').some((word) => /^(id_)?token$/.test(word));
}

/** Names the setting when a client asks for a response type that is off. oidc-provider says only that it is not supported. */
export function explainImplicit(provider: Provider, { features }: Config): void {
  const { prototype } = provider.Client as unknown as { prototype: ResponseModes };
  const { responseModeAllowed } = prototype;
  // oidc-provider asks this about each authorization request, after it has opened a request object and before it checks the type.
  prototype.responseModeAllowed = function (mode, responseType, ...rest) {
    const problem = responseType === 'token' ? TOKEN_ALONE : IMPLICIT_IS_OFF;
    if (isImplicit(responseType) && (!features.implicit || responseType === 'token'))
      throw new errors.CustomOIDCProviderError('unsupported_response_type', problem);
    return responseModeAllowed.call(this, mode, responseType, ...rest);
  };
}

interface ResponseModes {
  responseModeAllowed(mode: unknown, responseType: unknown, ...rest: unknown[]): boolean;
}

/** Completes the `scope` of a response with an access token, as the token endpoint does (RFC 6749 section 4.2.2). */
export function completeImplicitScope(provider: Provider, grantedUserScopes: GrantedUserScopes): void {
  provider.on('authorization.success', (ctx: KoaContextWithOIDC, response: AuthorizationResponse = {}) => {
    ctx.state.tokensInResponse = 'access_token' in response || 'id_token' in response;
    if (response.access_token === undefined) return;
    const scopes = new Set([...grantedUserScopes(ctx.oidc), ...(response.scope ?? '').split(' ').filter(Boolean)]);
    response.scope = [...scopes].join(' ');
  });
}

interface AuthorizationResponse {
  readonly access_token?: string;
  scope?: string;
}
