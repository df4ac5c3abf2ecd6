import type { IncomingMessage, RequestListener } from 'node:http';

/** The path under which an issuer is served: `/tenant` of `https://as.example.com/tenant`, empty for none. */
export function mountPathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '');
}

/**
 * Serves a handler below a path. The handler sees the rest of the path, and `originalUrl` as it was, from which
 * oidc-provider makes its own URLs. The metadata of an issuer with a path is also found where RFC 8414 section 3.1 puts
 * it: between host and path.
 *
 * @returns the handler; what is not below the path gets 404
 */
export function mount(mountPath: string, handler: RequestListener): RequestListener {
  if (mountPath === '') return handler;
  const wellKnown = `/.well-known/oauth-authorization-server${mountPath}`;
  return (request, response) => {
    const url = request.url ?? '/';
    const path = url.split('?', 1)[0];
    const below = path === wellKnown ? '/.well-known/oauth-authorization-server' : url.slice(mountPath.length);
    if (path !== wellKnown && !(url.startsWith(mountPath) && /^[/?]?$/.test(below.charAt(0)))) {
      response.writeHead(404, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_request', error_description: 'there is nothing here' }));
      return;
    }
    const mounted = request as IncomingMessage & { originalUrl: string };
    mounted.originalUrl = path === wellKnown ? mountPath + below : url;
    request.url = below.startsWith('/') ? below : `/${below}`;
    handler(request, response);
  };
}
