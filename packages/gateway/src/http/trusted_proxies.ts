import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { createNetworks, lastMember } from '@tallystick/common';

/** Whether a request comes directly from a trusted proxy, whose headers say where the client is. */
export type IsTrustedProxy = (request: Pick<IncomingMessage, 'socket'>) => boolean;

/**
 * Recognizes proxies by the address of their connection. Headers do not matter.
 *
 * @param networks addresses or networks in CIDR notation, such as `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`
 * @throws {TypeError} for any other value
 */
export function createTrustedProxies(networks: readonly string[]): IsTrustedProxy {
  if (networks.length === 0) return () => false;
  const trusted = createNetworks(networks, 'trustedProxies');
  return ({ socket: { remoteAddress = '' } }) => trusted.contain(remoteAddress);
}

/** The sender of a request, as far as the gateway can know it: an IPv4 address, or an IPv6 network. */
export type SenderOf = (request: IncomingMessage) => string;

/** Uses the address of the connection, or the one that a trusted proxy reports (the last in `X-Forwarded-For`). */
export function createSenderOf(isTrustedProxy: IsTrustedProxy): SenderOf {
  return (request) => {
    const { socket, headers } = request;
    const forwarded = isTrustedProxy(request) ? lastMember(headers['x-forwarded-for']) : '';
    return network(forwarded || (socket.remoteAddress ?? ''));
  };
}

/** A client with one IPv6 address usually has a /64 network of them (RFC 6177), so the network counts. */
function network(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address.slice(0, 64);
  const [before = '', after] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const missing = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...new Array<string>(Math.max(0, missing)).fill('0'), ...tail].slice(0, 4).join(':');
}
