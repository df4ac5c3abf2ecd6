/** The authorization server's endpoints, by the names of RFC 8414 and the paths that oidc-provider gives them. */
const paths = {
  authorization: '/auth',
  token: '/token',
  introspection: '/token/introspection',
  revocation: '/token/revocation',
  jwks: '/jwks',
  userinfo: '/me',
  end_session: '/session/end',
  pushed_authorization_request: '/request',
  device_authorization: '/device/auth',
  device_verification: '/device',
  backchannel_authentication: '/backchannel',
  registration: '/reg',
  interaction: '/interaction',
} as const;

export const ENDPOINTS = [...(Object.keys(paths) as (keyof typeof paths)[]), 'discovery', 'other'] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** The longest first: `/token/introspection` is not the token endpoint. */
const byLength = Object.entries(paths).sort(([, one], [, other]) => other.length - one.length);

/**
 * @param target a request target in origin form (RFC 9112 section 3.2.1)
 * @param mountPath the path of the issuer; empty for none
 */
export function endpointOf(target: string, mountPath: string): Endpoint {
  const whole = target.split('?', 1)[0] ?? '';
  const path = whole.startsWith(`${mountPath}/`) ? whole.slice(mountPath.length) : whole;
  if (path.startsWith('/.well-known/')) return 'discovery';
  const found = byLength.find(([, prefix]) => path === prefix || path.startsWith(`${prefix}/`));
  return (found?.[0] as Endpoint | undefined) ?? 'other';
}
