import type { IncomingHttpHeaders } from 'node:http';
import type { RewriteResponseConfig } from '../config/upstream.ts';

export interface RewriteResponseFacts {
  /** The route's prefix. */
  readonly prefix: string;
  /** The prefix in its place at the API: empty if it is removed, undefined if it stays. */
  readonly prefixAtApi: string | undefined;
  /** The hosts of the route's upstreams, with ports. */
  readonly hosts: readonly string[];
}

/** Rewrites the headers of a response. @param sent the headers of the upstream request */
export type RewriteResponse = (headers: IncomingHttpHeaders, sent: IncomingHttpHeaders) => void;

export function createRewriteResponse(
  { location, cookieDomain, cookiePath }: RewriteResponseConfig,
  { prefix, prefixAtApi, hosts }: RewriteResponseFacts,
): RewriteResponse {
  const ownPrefix = prefix === '/' ? '' : prefix;

  /** @returns the path for clients; undefined for a path that is not below the prefix at the API */
  function pathForClients(path: string): string | undefined {
    if (prefixAtApi === undefined) return path;
    if (path !== prefixAtApi && !path.startsWith(`${prefixAtApi}/`)) return undefined;
    return `${ownPrefix}${path.slice(prefixAtApi.length)}`;
  }

  function rewriteLocation(value: string, sent: IncomingHttpHeaders): string {
    const isOwnHost = (host: string) => hosts.includes(host) || host === sent.host || host === sent['x-forwarded-host'];
    const reference = withoutOrigin(value, isOwnHost);
    if (reference === undefined) return value;
    const [path = ''] = reference.split(/[?#]/, 1);
    const forClients = pathForClients(path);
    // Two slashes would lead to another server (RFC 3986 section 4.2), even with a tab between them, which browsers ignore.
    if (forClients === undefined || !/^\/(?![\t/\\])/.test(forClients || '/')) return value;
    return `${forClients || '/'}${reference.slice(path.length)}`;
  }

  function rewriteCookie(cookie: string): string {
    const [pair = '', ...attributes] = cookie.split(';');
    const isForHost = /^\s*__Host-/i.test(pair); // Its Path must be "/" (RFC 6265bis section 4.1.3.2).
    const rewritten = attributes.flatMap((attribute) => {
      const [name = '', value = ''] = attribute.split('=', 2).map((part) => part.trim());
      if (cookieDomain !== undefined && /^domain$/i.test(name))
        return cookieDomain === '' ? [] : ` Domain=${cookieDomain}`;
      if (!cookiePath || isForHost || !/^path$/i.test(name) || !value.startsWith('/')) return attribute;
      const path = pathForClients(value === '/' && prefixAtApi !== undefined ? prefixAtApi : value);
      return path === undefined ? attribute : ` Path=${path || '/'}`;
    });
    return [pair, ...rewritten].join(';');
  }

  const changesCookies = cookieDomain !== undefined || cookiePath;
  return (headers, sent) => {
    if (location) {
      if (headers.location !== undefined) headers.location = rewriteLocation(headers.location, sent);
      const { 'content-location': contentLocation } = headers;
      if (contentLocation !== undefined) headers['content-location'] = rewriteLocation(contentLocation, sent);
    }
    if (changesCookies && headers['set-cookie']) headers['set-cookie'] = headers['set-cookie'].map(rewriteCookie);
  };
}

/** @returns path, query and fragment of a reference that is a path or leads to an own host; undefined for any other */
function withoutOrigin(reference: string, isOwnHost: (host: string) => boolean): string | undefined {
  if (/^\/(?![/\\])/.test(reference)) return reference;
  if (!/^(?:https?:)?\/\//i.test(reference) || !URL.canParse(reference, 'http://relative')) return undefined;
  const { host, pathname, search, hash } = new URL(reference, 'http://relative');
  return isOwnHost(host) ? `${pathname}${search}${hash}` : undefined;
}
