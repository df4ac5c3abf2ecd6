import type { RequestListener } from 'node:http';
import { mountPathOf } from '../provider/mount.ts';

/** Paths of mocks (oauth2-mock-server, mock-oauth2-server, oidc-server-mock), which applications may have written down. */
const ALIASES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '/authorize': '/auth',
    '/userinfo': '/me',
    '/introspect': '/token/introspection',
    '/revoke': '/token/revocation',
    '/endsession': '/session/end',
    '/connect/authorize': '/auth',
    '/connect/token': '/token',
    '/connect/userinfo': '/me',
    '/connect/introspect': '/token/introspection',
    '/connect/revocation': '/token/revocation',
    '/connect/endsession': '/session/end',
    '/connect/deviceauthorization': '/device/auth',
    '/connect/ciba': '/backchannel',
    '/connect/par': '/request',
    '/.well-known/openid-configuration/jwks': '/jwks',
  }),
);

/** First segments of the paths of mocks. */
export const MOCK_SEGMENTS: ReadonlySet<string> = new Set([...ALIASES.keys()].map((path) => path.split('/')[1] ?? ''));

/** Serves a permissive issuer at the paths of mocks too. */
export function acceptPathsOfMocks(issuer: string, handler: RequestListener): RequestListener {
  const mountPath = mountPathOf(issuer);
  return (request, response) => {
    const [path = '', ...query] = (request.url ?? '/').split('?');
    const known = path.startsWith(mountPath) ? ALIASES.get(path.slice(mountPath.length)) : undefined;
    if (known !== undefined) request.url = [mountPath + known, ...query].join('?');
    handler(request, response);
  };
}

/** Paths that applications call first, of this server and of mocks. */
const FIRST_PATHS = new Set([
  ...ALIASES.keys(),
  ...['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
  ...['/auth', '/token', '/me', '/jwks', '/token/introspection', '/token/revocation', '/session/end'],
  ...['/device/auth', '/backchannel', '/request', '/reg'],
]);

/** Whether a path below an issuer is that of an endpoint. A browser that asks for `/favicon.ico` does not. */
export function isEndpointPath(path: string): boolean {
  return FIRST_PATHS.has(path);
}
