import type { RequestListener } from 'node:http';
import type { Provider } from 'oidc-provider';

/**
 * Whoever reaches an issuer on https does so over TLS, also where a proxy ends it and the last stretch is plain: cookies are
 * for TLS only then. That follows from the issuer; what requests say of how they were forwarded has no part in it.
 */
export function behindTls(provider: Provider, handler: RequestListener): RequestListener {
  if (!provider.issuer.startsWith('https:')) return handler;
  provider.proxy = true;
  return (request, response) => {
    for (const name of ['x-forwarded-host', 'x-forwarded-for']) delete request.headers[name];
    request.headers['x-forwarded-proto'] = 'https';
    handler(request, response);
  };
}
