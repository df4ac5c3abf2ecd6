import type { IncomingMessage, RequestListener } from 'node:http';

/** The path of an issuer: `/tenant` for `https://as.example.com/tenant`, the empty string for an issuer without a path. */
export function mountPathOf(issuer: string): string {
  return new URL(issuer).pathname.replace(/\/$/, '');
}

/** The well-known path between host and path (RFC 8414 section 3.1). Some clients look for the metadata of OpenID Connect there too. */
export const WELL_KNOWN = /^\/\.well-known\/(?:oauth-authorization-server|openid-configuration)(?=\/)/;

/**
 * Serves a handler below a path. The handler sees the rest of the path in `url`, and the whole one in `originalUrl`, from
 * which oidc-provider builds its own URLs. The metadata of an issuer with a path is also served at the location of RFC 8414
 * section 3.1, with the well-known path between host and path.
 *
 * @returns a handler that answers requests outside the path with 404
 */
export function mount(mountPath: string, handler: RequestListener): RequestListener {
  if (mountPath === '') return handler;
  return (request, response) => {
    const url = request.url ?? '/';
    const [wellKnown] = WELL_KNOWN.exec(url) ?? [];
    const isInserted = wellKnown !== undefined && url.split('?', 1)[0] === wellKnown + mountPath;
    const below = isInserted ? wellKnown : url.slice(mountPath.length);
    if (!isInserted && !(url.startsWith(mountPath) && /^[/?]?$/.test(below.charAt(0)))) {
      response.writeHead(404, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ error: 'invalid_request', error_description: 'no such endpoint' }));
      return;
    }
    const mounted = request as IncomingMessage & { originalUrl: string };
    mounted.originalUrl = isInserted ? mountPath + below : url;
    request.url = below.startsWith('/') ? below : `/${below}`;
    handler(request, response);
  };
}
