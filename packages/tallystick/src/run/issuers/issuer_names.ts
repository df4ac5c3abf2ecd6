import type { IncomingMessage, RequestListener } from 'node:http';
import { type AllowsHost, createNetworks, readHost } from '@tallystick/common';
import type { Config } from '../../config/schema.ts';
import { listensWithTls } from '../../config/tls.ts';
import { serverAllowedHosts } from '../allowed_hosts.ts';

/** Number of issuers that are kept. One that was dropped is created again when it is asked for. */
const MAX_ISSUERS = 16;

/** Finds the issuer that a request asks for. @returns undefined if the server may not have this name */
type FindIssuer = (request: IncomingMessage) => string | undefined;

/**
 * Reads the issuer from `Host`, or from `X-Forwarded-Proto` and `X-Forwarded-Host` of a trusted proxy. Only names of this machine, and
 * those of the configuration, can be issuers: otherwise a web page could choose the issuer of a token.
 */
export function createIssuerFinder(config: Config): FindIssuer {
  const proxies = createNetworks(config.authorizationServer.trustedProxies, 'authorizationServer.trustedProxies');
  const allowsHost: AllowsHost = serverAllowedHosts(config);
  const ownScheme = listensWithTls(config) ? 'https' : 'http';
  return (request) => {
    const { headers, socket } = request;
    const isProxy = proxies.contain(socket.remoteAddress ?? '');
    const forwarded = (name: string) => (isProxy ? headers[name]?.toString() : undefined);
    const scheme = forwarded('x-forwarded-proto') ?? ownScheme;
    const authority = forwarded('x-forwarded-host') ?? headers.host ?? '';
    const host = readHost(authority);
    if (host === undefined || !/^https?$/.test(scheme) || !allowsHost(host.name, request)) return undefined;
    return new URL(`${scheme}://${host.name}${host.port === undefined ? '' : `:${host.port}`}`).origin;
  };
}

export interface NamedIssuersOptions<Server> {
  /** The issuer that exists from the start. It is never dropped. */
  readonly first: { readonly issuer: string; readonly server: Server };
  readonly find: FindIssuer;
  readonly create: (issuer: string) => Promise<Server>;
  /** Receives errors of `create`. */
  readonly failed: (error: unknown) => void;
}

export interface NamedIssuers<Server> {
  readonly handler: RequestListener;
  /** Changes each issuer that exists. */
  each(change: (server: Server) => Promise<void>): Promise<void>;
}

/** Serves one authorization server for each issuer that clients ask for. The one that was not used for longest is dropped first. */
export function createNamedIssuers<Server extends { readonly handler: RequestListener }>({
  first,
  find,
  create,
  failed,
}: NamedIssuersOptions<Server>): NamedIssuers<Server> {
  const others = new Map<string, Promise<Server>>();

  function serverOf(issuer: string): Promise<Server> {
    const server = others.get(issuer) ?? create(issuer);
    others.delete(issuer); // The last entry is the one that was used last.
    others.set(issuer, server);
    server.catch(() => others.delete(issuer)); // The next request tries again.
    const [oldest] = others.keys();
    if (others.size > MAX_ISSUERS && oldest !== undefined) others.delete(oldest);
    return server;
  }

  return {
    handler(request, response) {
      const issuer = find(request);
      if (issuer === first.issuer) {
        first.server.handler(request, response);
      } else if (issuer === undefined) {
        const error_description = 'the server may not have this name; allowedHosts lists names that it may have';
        response.writeHead(421, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
        response.end(JSON.stringify({ error: 'misdirected_request', error_description }));
      } else {
        serverOf(issuer).then(
          ({ handler }) => handler(request, response),
          (error) => {
            failed(error);
            response.writeHead(503, { 'Retry-After': '1' }).end();
          },
        );
      }
    },
    async each(change) {
      // One that could not be created is not there to be changed.
      await Promise.all([...others.values()].map((server) => server.then(change, () => {})));
    },
  };
}
