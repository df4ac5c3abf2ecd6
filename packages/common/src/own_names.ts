import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { isLoopbackName, readHost } from './host.ts';

/** Whether a name or address belongs to a server. @param name as {@link readHost} returns it */
export type IsOwnName = (name: string) => boolean;

/**
 * Recognizes the names of a server: the configured ones and those of this machine (`localhost`, its subdomains, loopback addresses).
 *
 * @param patterns names and addresses; `*.example.com` matches every subdomain
 * @throws {TypeError} a pattern is not a name or an address
 */
export function createOwnNames(patterns: readonly string[]): IsOwnName {
  const names = new Set<string>();
  const endings: string[] = [];
  for (const pattern of patterns) {
    const name = readPattern(pattern);
    if (name === undefined)
      throw new TypeError(`expected the name or address of a server; found ${JSON.stringify(pattern)}`);
    if (name.startsWith('*')) endings.push(name.slice(1));
    else names.add(name);
  }
  return (name) => isLoopbackName(name) || names.has(name) || endings.some((ending) => isSubdomain(name, ending));
}

/** Normalizes a pattern. @returns it in lower case, an IPv6 address in brackets; undefined if it is not a name or an address */
export function readPattern(pattern: string): string | undefined {
  if (pattern.startsWith('*.')) {
    const name = readPattern(pattern.slice(2));
    return name === undefined || !/^[a-z_]/.test(name) ? undefined : `*.${name}`;
  }
  const isBareIPv6 = pattern.includes(':') && !pattern.startsWith('[');
  const host = /\]?:\d*$/.test(pattern) && !isBareIPv6 ? undefined : readHost(isBareIPv6 ? `[${pattern}]` : pattern);
  return host?.name;
}

function isSubdomain(name: string, ending: string): boolean {
  return name.length > ending.length && name.endsWith(ending);
}

/** Whether a server answers requests for a host. @param name as {@link readHost} returns it */
export type AllowsHost = (name: string, request: IncomingMessage) => boolean;

/**
 * Protects a server against DNS rebinding. A web page can make its own host name resolve to the server; the browser then treats the page
 * and the server as one origin.
 *
 * The address of the connection is always allowed, because a page at that address comes from the server itself.
 *
 * @param patterns names and addresses of the server, as for {@link createOwnNames}
 * @throws {TypeError} a pattern is not a name or an address
 */
export function createAllowedHosts(patterns: readonly string[]): AllowsHost {
  const isOwnName = createOwnNames(patterns);
  return (name, { socket }) => isOwnName(name) || name === toHost(socket.localAddress);
}

/** An address in the form of `Host`. A dual-stack listener reports IPv4 addresses as IPv4-mapped IPv6. */
function toHost(address = ''): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  return isIPv6(address) ? `[${address}]` : address;
}
