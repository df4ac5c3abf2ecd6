import type { IncomingMessage } from 'node:http';
import { isIPv6 } from 'node:net';
import { lastMember } from '@tallystick/common';
import type { IsTrustedProxy } from './trusted_proxies.ts';

/** Who sent a request, as far as the gateway can know: an IPv4 address, or an IPv6 network. */
export type SenderOf = (request: IncomingMessage) => string;

/** The address of the connection, or what a trusted proxy says of its own (the last of `X-Forwarded-For`). */
export function createSenderOf(isTrustedProxy: IsTrustedProxy): SenderOf {
  return (request) => {
    const { socket, headers } = request;
    const forwarded = isTrustedProxy(request) ? lastMember(headers['x-forwarded-for']) : '';
    return network(forwarded || (socket.remoteAddress ?? ''));
  };
}

/** Whoever has one IPv6 address has 2^64 of them: it is the network that counts (RFC 6177). */
function network(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address.slice(0, 64);
  const [before = '', after] = address.split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === undefined || after === '' ? [] : after.split(':');
  const missing = after === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...new Array<string>(Math.max(0, missing)).fill('0'), ...tail].slice(0, 4).join(':');
}
