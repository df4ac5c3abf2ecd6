import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { createOwnNames } from './own_names.ts';

/** Whether a server answers a request for a host. @param name as `readHost` reads it */
export type AllowsHost = (name: string, request: IncomingMessage) => boolean;

/**
 * Keeps out web pages that reach a server under a name of their own, which they had point to it (DNS rebinding): to the browser
 * they are then of the server's own origin.
 *
 * The address that the connection was made to is always allowed: a page under an address comes from the server at that address.
 *
 * @param patterns names and addresses of the server, beside those of this machine, as for {@link createOwnNames}
 * @throws {TypeError} for what is neither
 */
export function createAllowedHosts(patterns: readonly string[]): AllowsHost {
  const isOwnName = createOwnNames(patterns);
  return (name, { socket }) => isOwnName(name) || name === asHost(socket.localAddress);
}

/** An address as `Host` has it. IPv4 in IPv6 is how a dual-stack listener sees it. */
function asHost(address = ''): string {
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice('::ffff:'.length);
  return isIPv6(address) ? `[${address}]` : address;
}
