import type { IncomingMessage } from 'node:http';
import { createNetworks } from '@tallystick/common';

/** Whether a request comes straight from a proxy that is believed what its headers say of the client. */
export type IsTrustedProxy = (request: Pick<IncomingMessage, 'socket'>) => boolean;

/**
 * Proxies are known by the address that they connect from. Nothing that a request says of itself counts.
 *
 * @param networks addresses or networks in CIDR notation, such as `10.0.0.0/8`, `192.0.2.1` or `fd00::/8`
 * @throws {TypeError} for what is neither
 */
export function createTrustedProxies(networks: readonly string[]): IsTrustedProxy {
  if (networks.length === 0) return () => false;
  const trusted = createNetworks(networks, 'trustedProxies');
  return ({ socket: { remoteAddress = '' } }) => trusted.contain(remoteAddress);
}
