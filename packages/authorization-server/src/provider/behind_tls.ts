import type { RequestListener } from 'node:http';
import type { Provider } from 'oidc-provider';

/**
 * Treats every request to an https issuer as received over TLS, so that cookies are `Secure` even where a proxy terminates
 * TLS and forwards plain HTTP. Only the issuer decides this; `X-Forwarded-*` headers of a request are ignored.
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
